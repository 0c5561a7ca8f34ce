"""An allocation that may sleep while a spinlock is held. Mended."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def write(dev):
    buffer = kmalloc(256, GFP_KERNEL)
    spin_lock(dev.lock)
    dev.buffer = buffer
    spin_unlock(dev.lock)
