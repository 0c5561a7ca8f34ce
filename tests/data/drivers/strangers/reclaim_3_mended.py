"""A block device: I/O ends in a work, checksums in others."""

from tophalf.kernel import *

DATA, SUM = 0x0, 0x4


def sum_work(work):
    blk = container_of(work)
    blk.sums += read_reg(blk, SUM)


def blk_wait_sums(blk):
    flush_workqueue(blk.sum_wq)


def blk_end_io(work):
    blk = container_of(work)
    blk.ended += 1
    if blk.ended % 8 == 0:
        blk_wait_sums(blk)


def blk_submit(dev):
    write_reg(dev, DATA, 1)
    queue_work(dev.sum_wq, dev.sum)
    queue_work(dev.io_wq, dev.end_io)


def probe(dev):
    dev.ended = 0
    dev.sums = 0
    INIT_WORK(dev.sum, sum_work)
    INIT_WORK(dev.end_io, blk_end_io)
    dev.io_wq = alloc_workqueue("io", WQ_MEM_RECLAIM | WQ_HIGHPRI, 0)
    dev.sum_wq = alloc_workqueue("sums", WQ_UNBOUND | WQ_MEM_RECLAIM, 0)
    return 0


def remove(dev):
    destroy_workqueue(dev.io_wq)
    destroy_workqueue(dev.sum_wq)
