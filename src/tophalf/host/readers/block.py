"""Disks and their hardware queues: /sys/block (block/blk-mq-sysfs.c)."""

from tophalf.host.fields import cpu_list, integer, link_name, link_text, optional, pci_address
from tophalf.snapshot import BlockDevice

BLOCK = "/sys/block"


def read_block(root):
    """{disk: BlockDevice} of disks with a device behind them (loop, zram and ram have none); None when none is recorded."""
    disks = {}
    for name in root.listing(BLOCK):
        entries = root.listing(f"{BLOCK}/{name}")
        if "device" in entries:
            disks[name] = _read_disk(root, name, "mq" in entries)
    return disks or None


def parse_scheduler(text):
    """The scheduler in use: the one in brackets of `none [mq-deadline] kyber`, or the only word. None for none of it."""
    words = text.split()
    chosen = [word[1:-1] for word in words if word.startswith("[") and word.endswith("]")]
    return chosen[0] if chosen else (words[0] if len(words) == 1 else None)


def _read_disk(root, name, has_queues):
    folder = f"{BLOCK}/{name}"
    # A namespace's device is its controller, whose driver hangs one step further up (nvme0n1 -> nvme0 -> the PCI function).
    driver = link_name(root, f"{folder}/device/driver") or link_name(root, f"{folder}/device/device/driver")
    link = link_text(root, folder)
    if link is None and not root.live:
        link = root.real(folder)
    return BlockDevice(
        name=name,
        driver=driver,
        queues=_queues(root, f"{folder}/mq") if has_queues else None,
        scheduler=parse_scheduler(optional(root, f"{folder}/queue/scheduler") or ""),
        pci_address=pci_address(link),
    )


def _queues(root, folder):
    """{hardware queue: CPUs that submit to it}."""
    found = {}
    for name in root.listing(folder):
        queue, cpus = integer(name), cpu_list(root, f"{folder}/{name}/cpu_list")
        if queue is not None and cpus is not None:
            found[queue] = cpus
    return found
