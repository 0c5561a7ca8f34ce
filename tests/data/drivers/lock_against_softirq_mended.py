"""A task takes the lock of a tasklet with bottom halves on. Mended."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def read(dev):
    spin_lock_bh(dev.lock)
    dev.count = 0
    spin_unlock_bh(dev.lock)


def later(t):
    dev = from_tasklet(t)
    spin_lock(dev.lock)
    dev.count += 1
    spin_unlock(dev.lock)


def probe(dev):
    tasklet_setup(dev.later, later)
    tasklet_schedule(dev.later)
