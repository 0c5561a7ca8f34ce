"""A work that queues itself at once, on every path."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def work(w):  # BUG for-ever
    dev = container_of(w)
    dev.count += read_reg(dev, STATUS)
    schedule_work(dev.work)


def probe(dev):
    INIT_WORK(dev.work, work)
    schedule_work(dev.work)
