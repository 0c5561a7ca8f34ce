"""An allocation that may sleep while a spinlock is held."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def write(dev):
    spin_lock(dev.lock)
    dev.buffer = kmalloc(256, GFP_KERNEL)  # BUG sleep
    spin_unlock(dev.lock)
