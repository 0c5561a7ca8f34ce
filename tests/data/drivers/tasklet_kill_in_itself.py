"""A tasklet waits for its own end."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def later(t):
    dev = from_tasklet(t)
    dev.count += 1
    tasklet_kill(t)  # BUG waits-for-itself sleep


def probe(dev):
    tasklet_setup(dev.later, later)
    tasklet_schedule(dev.later)
