"""An early return with a lock held."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def start(dev):
    mutex_lock(dev.lock)
    if dev.started:
        return -EBUSY  # BUG held-at-end
    dev.started = 1
    mutex_unlock(dev.lock)
    return 0
