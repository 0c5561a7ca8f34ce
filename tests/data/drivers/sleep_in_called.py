"""A function that sleeps, called from a timer."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def settle(dev):
    usleep_range(100, 200)  # BUG sleep


def expired(t):
    dev = from_timer(t)
    settle(dev)


def probe(dev):
    timer_setup(dev.timer, expired, 0)
    mod_timer(dev.timer, 10)
