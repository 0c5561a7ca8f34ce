"""A RAM disk with writeback: the writeback work is in the memory reclaim path."""

from tophalf.kernel import *

PAGE, MAP = 0x0, 0x4


def disk_map(work):
    disk = container_of(work)
    disk.mapped += 1
    write_reg(disk, MAP, disk.mapped)


def disk_sync_map(disk):
    schedule_work(disk.map)
    flush_work(disk.map)  # HERE


def disk_writeback(work):
    disk = container_of(work)
    if disk.dirty:
        disk_sync_map(disk)
    write_reg(disk, PAGE, disk.dirty)
    disk.dirty = 0


def disk_write(dev):
    dev.dirty += 1
    queue_work(dev.wq, dev.writeback)


def probe(dev):
    dev.dirty = 0
    dev.mapped = 0
    INIT_WORK(dev.map, disk_map)
    INIT_WORK(dev.writeback, disk_writeback)
    dev.wq = alloc_workqueue("writeback", WQ_MEM_RECLAIM, 0)
    return 0


def remove(dev):
    destroy_workqueue(dev.wq)
