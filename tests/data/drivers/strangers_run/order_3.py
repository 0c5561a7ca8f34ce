"""A sound card: playing takes the mixer's mutex and the clock's, capture the clock's and the codec's, muting the codec's first."""

from tophalf.kernel import *

SCENARIO = """
title = "A sound card that is muted after a while"

[machine]
seconds = "400ms"

[[driver]]
name = "sound"
irq = 24
rate = 100
"""

STATUS, RATE, MUTE = 0x0, 0x4, 0x8
PERIOD = 0x1


def play(dev):
    mutex_lock(dev.mixer)
    mutex_lock(dev.clock)
    write_reg(dev, RATE, 48)
    mutex_unlock(dev.clock)
    mutex_unlock(dev.mixer)


def capture(dev):
    mutex_lock(dev.clock)
    mutex_lock(dev.codec)
    dev.captured += 1
    mutex_unlock(dev.codec)
    mutex_unlock(dev.clock)


def mute(dev):
    mutex_lock(dev.codec)
    write_reg(dev, MUTE, 1)
    mutex_lock(dev.mixer)  # HERE order: mixer, clock, codec, and here codec, mixer
    dev.mutes += 1
    mutex_unlock(dev.mixer)
    mutex_unlock(dev.codec)


def sound_period(irq, dev):
    write_reg(dev, STATUS, PERIOD)
    dev.periods += 1
    if dev.periods % 2:
        play(dev)
    else:
        capture(dev)
    if dev.periods == 25:
        mute(dev)
    return IRQ_HANDLED


def probe(dev):
    mutex_init(dev.mixer)
    mutex_init(dev.clock)
    mutex_init(dev.codec)
    return request_threaded_irq(dev.irq, None, sound_period, IRQF_ONESHOT, "sound", dev)
