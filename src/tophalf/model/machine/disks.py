"""Disks of a simulated machine: /sys/block (block/blk-mq-sysfs.c), and what their controllers are on the bus.

Left out: /proc/diskstats, which no reader asks for; I/O schedulers, of which the model has none.
"""

from tophalf.snapshot import BlockDevice

CLASS_CODES = {"nvme": 0x010802, "ahci": 0x010601}  # include/linux/pci_ids.h


def read_block(sight):
    """{disk: BlockDevice}; None where there is none."""
    addresses = {name: address for address, name, _ in sight.owners.values()}
    return {
        disk.name: BlockDevice(
            name=disk.name, driver=disk.driver, queues=dict(enumerate(disk.queues)), scheduler="none",
            pci_address=addresses.get(disk.name),
        ) for disk in sight.builder.disks
    } or None  # fmt: skip


def controllers(sight):
    """{device: (driver, class code)} of the functions that disks hang from."""
    return {disk.name: (disk.driver, CLASS_CODES[disk.driver]) for disk in sight.builder.disks}
