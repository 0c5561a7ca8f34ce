"""A work that ends with bottom halves off. Mended."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def work(w):
    dev = container_of(w)
    local_bh_disable()
    dev.count += 1
    local_bh_enable()


def probe(dev):
    dev.wq = alloc_workqueue("card", WQ_MEM_RECLAIM, 1)
    INIT_WORK(dev.work, work)
    queue_work(dev.wq, dev.work)
