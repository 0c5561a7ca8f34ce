"""A function that sleeps, called from a timer. Mended."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def settle(dev):
    usleep_range(100, 200)


def expired(w):
    dev = container_of(w)
    settle(dev)


def probe(dev):
    INIT_DELAYED_WORK(dev.work, expired)
    schedule_delayed_work(dev.work, 10)
