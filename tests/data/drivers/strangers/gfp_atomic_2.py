"""A disk: requests come from a pool, which grows when it is empty."""

from tophalf.kernel import *

CMD, SECTOR = 0x0, 0x4


def disk_grow(disk):
    disk.free = kmalloc(512, GFP_KERNEL)  # HERE
    return disk.free


def disk_get(disk):
    req = 0
    spin_lock(disk.pool)
    if not disk.free:
        req = disk_grow(disk)
    else:
        req = disk.free
    disk.free = 0
    spin_unlock(disk.pool)
    return req


def disk_submit(dev, sector):
    req = disk_get(dev)
    if not req:
        return -ENOMEM
    write_reg(dev, SECTOR, sector)
    write_reg(dev, CMD, req)
    return 0


def probe(dev):
    spin_lock_init(dev.pool)
    dev.free = kmalloc(512, GFP_KERNEL)
    return 0
