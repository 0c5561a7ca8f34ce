"""A lock is let go with flags that nobody saved. Mended."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def read(dev):
    flags = spin_lock_irqsave(dev.lock)
    dev.count = 0
    spin_unlock_irqrestore(dev.lock, flags)
