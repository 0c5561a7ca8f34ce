"""The orders that real kernels were seen to follow, as text: a file a kernel, a section a sequence, a line an event."""

import os

from lab.places import CHECKOUT

FOLDER = os.path.join(CHECKOUT, "tests", "data", "sequences")
KERNELS = ("6.12", "6.1")


def path(kernel):
    """The file of a kernel."""
    return os.path.join(FOLDER, kernel + ".txt")


def read(kernel):
    """{name of a sequence: {cpu: lines}}. The older kernel's file has only those whose order is not the newest's."""
    orders = _read(kernel)
    if kernel != KERNELS[0]:
        orders = _read(KERNELS[0]) | orders
    return orders


def _read(kernel):
    orders, lines = {}, None
    if not os.path.exists(path(kernel)):
        return orders
    with open(path(kernel)) as file:
        for line in file.read().splitlines():
            if line.startswith("["):
                lines = orders.setdefault(line.strip("[]"), {})
            elif line and not line.startswith("#"):
                cpu = line.split()[0]
                lines.setdefault(int(cpu) if cpu.isdigit() else cpu, []).append(line)
    return orders


def write(kernel, release, orders):
    """Write what `read` reads. release: of the kernel that was seen."""
    os.makedirs(FOLDER, exist_ok=True)
    known = _read(KERNELS[0]) if kernel != KERNELS[0] else {}
    with open(path(kernel), "w") as file:
        file.write(f"# Seen on Linux {release}: python3 -m lab sequences --kernel {kernel}\n")
        file.write(f"# Only what it does otherwise than {KERNELS[0]}\n" if known else "")
        for name, by_cpu in orders.items():
            if known.get(name) != by_cpu:
                file.write(f"\n[{name}]\n")
                for cpu in sorted(by_cpu, key=str):
                    file.writelines(line + "\n" for line in by_cpu[cpu])
