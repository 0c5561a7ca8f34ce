"""An early way out lets go of a lock that is not held yet. Mended."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def start(dev):
    error = read_reg(dev, STATUS)
    if not error:
        mutex_lock(dev.lock)
        dev.started = 1
        mutex_unlock(dev.lock)
