"""A camera: start streaming."""

from tophalf.kernel import *

CTRL, STATUS, RUN, OK = 0x0, 0x4, 0x1, 0x1


def camera_enable(camera):
    write_reg(camera, CTRL, RUN)
    msleep(2)
    return read_reg(camera, STATUS) & OK


def camera_start(dev):
    mutex_lock(dev.lock)
    if dev.streaming:
        mutex_unlock(dev.lock)
        return -EBUSY
    dev.streaming = 1
    mutex_unlock(dev.lock)
    if not camera_enable(dev):
        dev.streaming = 0
        mutex_unlock(dev.lock)  # HERE
        return -EIO
    return 0


def probe(dev):
    mutex_init(dev.lock)
    dev.streaming = 0
    return 0
