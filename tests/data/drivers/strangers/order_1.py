"""A codec on a bus: configuration and bus have a mutex each."""

from tophalf.kernel import *

REG, POWER = 0x0, 0x4


def codec_power(codec, on):
    mutex_lock(codec.bus)  # HERE
    write_reg(codec, POWER, on)
    msleep(5)
    mutex_unlock(codec.bus)


def codec_write(dev, value):
    mutex_lock(dev.bus)
    mutex_lock(dev.config)
    dev.cached = value
    mutex_unlock(dev.config)
    write_reg(dev, REG, value)
    mutex_unlock(dev.bus)


def codec_resume(dev):
    mutex_lock(dev.config)
    if dev.cached:
        codec_power(dev, 1)
    dev.awake = 1
    mutex_unlock(dev.config)


def probe(dev):
    mutex_init(dev.bus)
    mutex_init(dev.config)
    dev.cached = 0
    dev.awake = 0
    codec_power(dev, 0)
    return 0
