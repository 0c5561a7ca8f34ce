"""What can be plugged into a guest: each device set gives its part of QEMU's command line.

Slots are fixed (QEMU's i440fx machine) so that the same set always has the same interrupt lines.
"""

import os

from lab.places import LabError

QUEUES = 4
MULTIQUEUE_MAC = "52:54:00:00:09:02"
E1000E_MAC = "52:54:00:00:09:03"


def multiqueue(folder):
    """virtio-net with four queue pairs on the tap `lab0`."""
    del folder
    return ["-netdev", f"tap,id=multi,ifname=lab0,queues={QUEUES},script=no,downscript=no",
            "-device", f"virtio-net-pci,netdev=multi,mq=on,vectors={2 * QUEUES + 2},mac={MULTIQUEUE_MAC},addr=0xa"]


def e1000e(folder):
    """Intel 82574 with receive, transmit and link vectors, on the tap `lab1`."""
    del folder
    return ["-netdev", "tap,id=single,ifname=lab1,script=no,downscript=no",
            "-device", f"e1000e,netdev=single,mac={E1000E_MAC},addr=0xb,romfile="]


def nvme(folder):
    """NVMe disk with four I/O queues, whose interrupts the kernel manages."""
    disk = os.path.join(folder, "nvme.img")
    with open(disk, "wb") as file:
        file.truncate(256 << 20)
    return ["-drive", f"file={disk},if=none,id=nvme,format=raw",
            "-device", f"nvme,drive=nvme,serial=lab,max_ioqpairs={QUEUES},msix_qsize={QUEUES + 1},addr=0xc"]


def edu(folder):
    """QEMU's teaching device, which the labirq module drives."""
    del folder
    return ["-device", "edu,addr=0x10"]


def edus(folder):
    """Four teaching devices, which the labseq module drives; the first and the last share an INTx line."""
    del folder
    return [word for slot in (0x10, 0x11, 0x12, 0x14) for word in ("-device", f"edu,addr={slot:#x}")]


def e1000(folder):
    """An old NIC without MSI, four slots after edu: the same INTx line."""
    del folder
    return ["-netdev", "hubport,id=old,hubid=9", "-device", "e1000,netdev=old,addr=0x14,romfile="]


SETS = {"multiqueue": multiqueue, "e1000e": e1000e, "nvme": nvme, "edu": edu, "edus": edus, "e1000": e1000}
TAPS = {"multiqueue": ("lab0", "10.9.0.1/24", True), "e1000e": ("lab1", "10.9.1.1/24", False)}


def arguments(names, folder):
    """QEMU's arguments for some device sets; their files go into folder."""
    unknown = set(names) - set(SETS)
    if unknown:
        raise LabError(f"no device set {', '.join(sorted(unknown))}; there are {', '.join(SETS)}")
    return [word for name in names for word in SETS[name](folder)]


def network_script(names):
    """Shell text that makes the taps of the device sets in the network namespace it runs in; empty for none."""
    lines = []
    for name in names:
        if name in TAPS:
            tap, address, multi = TAPS[name]
            lines += [f"ip tuntap add {tap} mode tap{' multi_queue' * multi}", f"ip address add {address} dev {tap}",
                      f"ip link set {tap} up"]
    return "ip link set lo up\n" + "\n".join(lines) + "\n" if lines else ""
