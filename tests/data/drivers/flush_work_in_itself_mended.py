"""A work waits for itself. Mended."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def work(w):
    dev = container_of(w)
    dev.count += 1


def probe(dev):
    dev.wq = alloc_workqueue("card", WQ_MEM_RECLAIM, 1)
    INIT_WORK(dev.work, work)
    queue_work(dev.wq, dev.work)


def remove(dev):
    flush_work(dev.work)
