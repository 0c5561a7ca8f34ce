"""A lock is let go with flags that nobody saved."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def read(dev):
    flags = 0
    spin_lock(dev.lock)
    dev.count = 0
    spin_unlock_irqrestore(dev.lock, flags)  # BUG flags
