"""A work that queues itself at once, on every path. Mended."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def work(w):
    dev = container_of(w)
    dev.count += read_reg(dev, STATUS)
    schedule_delayed_work(dev.work, 100)


def probe(dev):
    INIT_DELAYED_WORK(dev.work, work)
    schedule_delayed_work(dev.work, 100)
