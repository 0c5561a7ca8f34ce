"""A tasklet that schedules itself on every path."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def later(t):  # BUG for-ever
    dev = from_tasklet(t)
    dev.count += 1
    tasklet_schedule(t)


def probe(dev):
    tasklet_setup(dev.later, later)
    tasklet_schedule(dev.later)
