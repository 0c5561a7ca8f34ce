"""Debian packages without installing them: find, download, unpack. Uses the apt sources the machine has."""

import glob
import os
import shutil

from lab.places import LabError, built, call

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def sources():
    """The machine's own Debian sources, as (site, release, components) of those that carry this release."""
    answer = call("apt-get", "indextargets", "--format", "$(SITE)|$(RELEASE)|$(COMPONENT)", "Created-By: Packages")
    found = {}
    for line in answer.splitlines():
        site, release, component = line.split("|")
        if release.startswith(codename()):
            found.setdefault((site, release), []).append(component)
    if not found:
        raise LabError(f"apt has no source for {codename()}: run apt-get update")
    return [(site, release, sorted(set(parts))) for (site, release), parts in found.items()]


def codename():
    """Name of the Debian release that runs here, such as bookworm."""
    with open("/etc/os-release") as file:
        fields = dict(line.strip().split("=", 1) for line in file if "=" in line)
    return fields["VERSION_CODENAME"].strip('"')


def source_lines(suffix=None):
    """Lines for a sources.list: the machine's own sources, or with a suffix ('-backports') the main archive's
    suite of that name."""
    lines = []
    for site, release, components in sources():
        if suffix is None:
            lines.append(f"deb [signed-by={KEYRING}] {site} {release} {' '.join(components)}")
        elif release == codename():
            lines.append(f"deb [signed-by={KEYRING}] {site} {release}{suffix} {' '.join(components)}")
    return lines


def transport_settings():
    """apt settings of this machine that say how to reach the archive (proxy, clock checks), as apt.conf text."""
    dump = call("apt-config", "dump", "--no-empty", "--format", '%f "%v";%n', "Acquire")
    wanted = ("Acquire::http", "Acquire::https", "Acquire::Check-")
    return "".join(line + "\n" for line in dump.splitlines() if line.startswith(wanted) and "::User-Agent" not in line)


def private_apt(lines):
    """Options that make apt use these source lines and a cache of the lab's own. Updates the lists."""
    here = built("apt", "sources.list")
    with open(here, "w") as file:
        file.write("\n".join(lines) + "\n")
    root = os.path.dirname(here)
    os.makedirs(os.path.join(root, "lists", "partial"), exist_ok=True)
    os.makedirs(os.path.join(root, "cache"), exist_ok=True)
    options = ["-o", f"Dir::Etc::sourcelist={here}", "-o", "Dir::Etc::sourceparts=-",
               "-o", f"Dir::State::lists={root}/lists", "-o", f"Dir::Cache={root}/cache"]
    call("apt-get", *options, "update")
    return options


def depends(package):
    """Names of the packages a package depends on; alternatives and virtual packages are left out."""
    lines = call("apt-cache", "depends", "--no-recommends", "--no-suggests", package).splitlines()
    return [line.split()[-1] for line in lines if line.startswith("  Depends:") and "<" not in line]


def unpack(packages, folder, options=()):
    """Download packages and unpack them over one another into a folder, made new. Nothing is installed."""
    store = built("deb", "new", "x")
    store = os.path.dirname(store)
    shutil.rmtree(store)
    os.makedirs(store)
    call("apt-get", "-q", *options, "download", *packages, cwd=store)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for package in sorted(glob.glob(os.path.join(store, "*.deb"))):
        call("dpkg-deb", "-x", package, folder)
    shutil.rmtree(store)
