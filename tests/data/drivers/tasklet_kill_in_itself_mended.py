"""A tasklet waits for its own end. Mended."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def later(t):
    dev = from_tasklet(t)
    dev.count += 1


def probe(dev):
    tasklet_setup(dev.later, later)
    tasklet_schedule(dev.later)


def remove(dev):
    tasklet_kill(dev.later)
