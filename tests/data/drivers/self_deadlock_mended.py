"""A function takes the lock that its caller holds. Mended."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def drop(dev):
    dev.count -= 1


def flush(dev):
    spin_lock(dev.lock)
    while dev.count > 0:
        drop(dev)
    spin_unlock(dev.lock)
