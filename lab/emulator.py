"""Which QEMU runs the guests.

QEMU 7.2 with a thread for each processor panics guests when tracepoints are switched under load: a race while
code is patched. QEMU 10 of bookworm-backports does not. It is unpacked beside the installed one, whose libraries
and firmware it uses; where that fails the installed one runs all processors in one thread, which is slow but right.
"""

import os
import shutil
import subprocess

from lab import debian
from lab.places import LabError, built, finish, is_current

PACKAGES = ("qemu-system-x86", "qemu-system-common", "qemu-system-data")
FIRMWARE = "/usr/share/seabios"


def unpacked():
    """Path of the unpacked QEMU; there may be none."""
    return os.path.join(built("qemu"), "usr/bin/qemu-system-x86_64")


def build(update=False):
    """Fetch QEMU from backports, once unless update asks again. Returns the command that will run the guests."""
    folder = built("qemu")
    if update or not is_current(folder, "backports"):
        try:
            options = debian.private_apt(debian.source_lines("-backports"))
            debian.unpack(PACKAGES, folder, options)
        except LabError as error:
            os.makedirs(folder, exist_ok=True)
            print(f"lab: no QEMU from backports, the installed one must do: {error}")
        finish(folder, "backports")
    return " ".join(command())


def runs(program):
    """Whether a QEMU starts at all (its libraries are those of the installed one)."""
    try:
        return subprocess.run([program, "--version"], capture_output=True).returncode == 0
    except OSError:
        return False


def command():
    """The start of a QEMU command line: program, accelerator, firmware."""
    if runs(unpacked()):
        data = os.path.join(built("qemu"), "usr/share/qemu")
        return [unpacked(), "-accel", accelerator("tcg,thread=multi"), "-L", data, "-L", FIRMWARE]
    installed = shutil.which("qemu-system-x86_64")
    if installed is None:
        raise LabError("no qemu-system-x86_64: apt-get install the packages of lab/apt-packages.txt")
    return [installed, "-accel", accelerator("tcg,thread=single")]


def accelerator(usual):
    """TOPHALF_LAB_ACCEL=kvm makes guests fast where the machine can; emulation is what the tests are tuned for."""
    return os.environ.get("TOPHALF_LAB_ACCEL") or usual
