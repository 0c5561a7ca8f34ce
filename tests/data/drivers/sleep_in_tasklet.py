"""A tasklet that copies to a user, which may fault."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def later(t):
    dev = from_tasklet(t)
    copy_to_user(dev.count)  # BUG sleep


def probe(dev):
    tasklet_setup(dev.later, later)
    tasklet_schedule(dev.later)
