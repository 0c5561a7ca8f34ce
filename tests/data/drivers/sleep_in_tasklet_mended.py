"""A tasklet that copies to a user, which may fault. Mended."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def later(t):
    dev = from_tasklet(t)
    dev.ready = dev.count
    wake_up(dev.readers)


def probe(dev):
    tasklet_setup(dev.later, later)
    tasklet_schedule(dev.later)
