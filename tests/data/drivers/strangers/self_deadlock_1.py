"""A flash: a write that fails is followed by a reset."""

from tophalf.kernel import *

CMD, STATUS, FAILED, RESET = 0x0, 0x4, 0x1, 0xff


def flash_reset(flash):
    mutex_lock(flash.lock)  # HERE
    write_reg(flash, CMD, RESET)
    msleep(10)
    mutex_unlock(flash.lock)


def flash_write(dev, value):
    err = 0
    mutex_lock(dev.lock)
    write_reg(dev, CMD, value)
    if read_reg(dev, STATUS) & FAILED:
        flash_reset(dev)
        err = -EIO
    mutex_unlock(dev.lock)
    return err


def flash_suspend(dev):
    flash_reset(dev)
    return 0


def probe(dev):
    mutex_init(dev.lock)
    return flash_suspend(dev)
