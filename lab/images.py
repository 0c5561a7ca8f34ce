"""What a guest boots: one root image for all kernels, and for each kernel an initramfs with its modules."""

import glob
import lzma
import os
import shutil

from lab import debian, kernels
from lab.places import built, call, finish, is_current, key_of, source

ROOT_PACKAGES = ("python3", "irqbalance", "ethtool", "iproute2", "trace-cmd", "procps", "kmod")
LEFT_OUT = ("man", "doc", "locale", "info")
MODULES = ("squashfs", "overlay", "9p", "9pnet_virtio", "virtio_pci", "virtio_blk", "virtio_net", "virtio_console",
           "e1000", "e1000e", "nvme", "veth", "dummy", "pktgen")
OWN_MODULES = ("labirq", "labseq")
PROGRAMS = ("start", "serve")


def root_image():
    """Path of the squashfs root image, made with mmdebstrap when it is not there."""
    image = built("root.squashfs")
    key = key_of(debian.codename(), *ROOT_PACKAGES, *LEFT_OUT)
    if not is_current(image, key):
        tree = built("root")
        shutil.rmtree(tree, ignore_errors=True)
        bootstrap(tree)
        call("mksquashfs", tree, image, "-comp", "zstd", "-Xcompression-level", "6", "-noappend", "-quiet",
             "-no-progress")
        shutil.rmtree(tree)
        finish(image, key)
    return image


def bootstrap(tree):
    """A small Debian in a folder, from the machine's own apt sources."""
    sources, settings = built("root.list"), built("root.apt.conf")
    with open(sources, "w") as file:
        file.write("\n".join(debian.source_lines()) + "\n")
    with open(settings, "w") as file:
        file.write(debian.transport_settings() + 'Acquire::Languages "none";\n')
    without = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in LEFT_OUT]
    call("mmdebstrap", "--variant=minbase", "--mode=root", f"--aptopt={settings}", *without,
         "--include=" + ",".join(ROOT_PACKAGES), debian.codename(), tree, sources)
    for waste in glob.glob(tree + "/var/cache/*") + glob.glob(tree + "/var/lib/apt/lists/*"):
        shutil.rmtree(waste, ignore_errors=True)
    os.makedirs(os.path.join(tree, "usr/lib/modules"), exist_ok=True)


def module_files(folder):
    """Files of MODULES and all they need, relative to the kernel's module folder. Built-in ones have none."""
    needs = {}
    with open(os.path.join(folder, "modules.dep")) as file:
        for line in file:
            path, _, others = line.partition(":")
            needs[os.path.basename(path).split(".ko")[0].replace("-", "_")] = [path, *others.split()]
    return sorted({path for name in MODULES for path in needs.get(name, ())})


def copy_module(origin, goal):
    """Copy one module, unpacked: busybox's modprobe knows no xz."""
    os.makedirs(os.path.dirname(goal), exist_ok=True)
    if origin.endswith(".xz"):
        with lzma.open(origin) as packed, open(goal.removesuffix(".xz"), "wb") as plain:
            shutil.copyfileobj(packed, plain)
    else:
        shutil.copy(origin, goal)


def fill(tree, release):
    """Put busybox, init, the guest's programs and the modules into the initramfs folder."""
    modules = os.path.join(kernels.kernel_tree(release), "lib/modules", release)
    goal = os.path.join(tree, "lib/modules", release)
    for path in module_files(modules):
        copy_module(os.path.join(modules, path), os.path.join(goal, path))
    for name in OWN_MODULES:
        copy_module(kernels.module(name, release), os.path.join(goal, f"extra/{name}.ko"))
    for listing in ("modules.builtin", "modules.order"):
        shutil.copy(os.path.join(modules, listing), goal)
    call("depmod", "-b", tree, release)
    os.makedirs(os.path.join(tree, "bin"))
    os.makedirs(os.path.join(tree, "lab"))
    shutil.copy("/bin/busybox", os.path.join(tree, "bin/busybox"))
    shutil.copy(source("guest", "init"), os.path.join(tree, "init"))
    os.chmod(os.path.join(tree, "init"), 0o755)
    for program in PROGRAMS:
        shutil.copy(source("guest", program), os.path.join(tree, "lab"))


def initramfs(release):
    """Path of the initramfs of a kernel, made again when a part of it changed."""
    archive = built(f"initramfs-{release}.gz")
    parts = [("file", source("guest", name)) for name in ("init", *PROGRAMS)]
    parts += [("file", kernels.module(name, release)) for name in OWN_MODULES]
    key = key_of(release, *MODULES, *parts)
    if not is_current(archive, key):
        tree = built(f"initramfs-{release}")
        shutil.rmtree(tree, ignore_errors=True)
        fill(tree, release)
        call("sh", "-c", 'cd "$1" && find . | cpio -o -H newc --quiet | gzip -4 > "$2"', "pack", tree, archive)
        shutil.rmtree(tree)
        finish(archive, key)
    return archive
