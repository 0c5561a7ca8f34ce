"""Debian's kernels and the headers of each, unpacked, with the lab's modules built for it.

The versions behind the meta packages change in the archive, so the names are asked for, and what was found is
kept in kernels.json until `build --update` asks again.
"""

import glob
import json
import os
import shutil

from lab import debian
from lab.places import BUILD, LabError, built, call, finish, is_current, key_of, source

# flavour -> meta package; Debian 12 carries 6.12 in its security archive
META = {
    "6.12": "linux-image-6.12-amd64",
    "6.1": "linux-image-amd64",
    "rt": "linux-image-6.12-rt-amd64",
}
HEADER_PARTS = ("linux-headers-", "linux-kbuild-", "linux-compiler-")


def release_behind(meta):
    """Release of the newest kernel a meta package names, such as 6.1.0-56-amd64."""
    for name in debian.depends(meta):
        if name.startswith("linux-image-"):
            return name.removeprefix("linux-image-")
    raise LabError(f"apt knows no {meta}: this lab needs Debian 12, and apt-get update")


def releases(update=False):
    """Kernel release by flavour, from kernels.json or, when absent or on update, from apt."""
    path = built("kernels.json")
    if update or not os.path.exists(path):
        found = {flavour: release_behind(meta) for flavour, meta in META.items()}
        with open(path, "w") as file:
            json.dump(found, file)
    with open(path) as file:
        return json.load(file)


def kernel_tree(release):
    """Folder of the unpacked kernel, downloaded when it is not there."""
    folder = built("kernel", release)
    if not is_current(folder, release):
        debian.unpack(["linux-image-" + release], folder)
        call("depmod", "-b", folder, release)
        finish(folder, release)
    return folder


def image(release):
    """Path of the kernel image."""
    return os.path.join(BUILD, "kernel", release, "boot", "vmlinuz-" + release)


def header_packages(release):
    """linux-headers of a release and what its build needs beside the compiler."""
    packages, todo = [], ["linux-headers-" + release]
    while todo:
        name = todo.pop()
        packages.append(name)
        todo += [part for part in debian.depends(name) if part.startswith(HEADER_PARTS) and part not in packages]
    return packages


def header_tree(release):
    """Folder where `make modules` can work, downloaded when it is not there."""
    folder = built("headers", release)
    if not is_current(folder, release):
        debian.unpack(header_packages(release), folder)
        relocate(folder)
        finish(folder, release)
    return os.path.join(folder, "usr", "src", "linux-headers-" + release)


def relocate(folder):
    """The packaged Makefiles include their common part by an absolute path below /usr/src: point them here."""
    for makefile in glob.glob(os.path.join(folder, "usr/src/linux-headers-*/Makefile")):
        with open(makefile) as file:
            text = file.read()
        with open(makefile, "w") as file:
            file.write(text.replace(" /usr/src/", f" {folder}/usr/src/"))


def module(name, release):
    """Path of one of the lab's own modules for a release, built when its source or the kernel changed."""
    folder = os.path.dirname(built(name, release, "x"))
    result = os.path.join(folder, name + ".ko")
    key = key_of(release, ("file", source(name, name + ".c")))
    if not is_current(result, key):
        headers = header_tree(release)
        shutil.copy(source(name, name + ".c"), folder)
        with open(os.path.join(folder, "Kbuild"), "w") as file:
            file.write(f"obj-m := {name}.o\n")
        # without type information for the module, which would need pahole
        call("make", "-s", "-C", headers, "M=" + folder, "CONFIG_DEBUG_INFO_BTF_MODULES=", "modules")
        finish(result, key)
    return result
