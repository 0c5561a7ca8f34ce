"""Two locks in both orders."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def send(dev):
    mutex_lock(dev.tx)
    mutex_lock(dev.stats)
    dev.sent += 1
    mutex_unlock(dev.stats)
    mutex_unlock(dev.tx)


def report(dev):
    mutex_lock(dev.stats)
    mutex_lock(dev.tx)  # BUG order
    dev.sent = 0
    mutex_unlock(dev.tx)
    mutex_unlock(dev.stats)
