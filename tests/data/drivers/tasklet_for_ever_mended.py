"""A tasklet that schedules itself on every path. Mended."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def later(t):
    dev = from_tasklet(t)
    dev.count += 1
    if read_reg(dev, STATUS) & MINE:
        tasklet_schedule(t)


def probe(dev):
    tasklet_setup(dev.later, later)
    tasklet_schedule(dev.later)
