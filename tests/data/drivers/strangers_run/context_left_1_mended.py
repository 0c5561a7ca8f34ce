"""A touch screen: a tasklet turns samples into positions, and throws away those that are outside of the panel."""

from tophalf.kernel import *

SCENARIO = """
title = "A touch screen with a sample outside now and then"

[machine]
seconds = "100ms"

[[driver]]
name = "touch"
irq = 24
flow = "level"
data = 4
depth = 8
rate = 800
"""

STATUS, SAMPLE = 0x0, 0x4
READY = 0x1


def touch_irq(irq, dev):
    if not read_reg(dev, STATUS) & READY:
        return IRQ_NONE
    dev.raw = read_reg(dev, SAMPLE)
    tasklet_schedule(dev.convert)
    return IRQ_HANDLED


def touch_convert(tasklet):
    dev = from_tasklet(tasklet)
    spin_lock(dev.lock)
    position = dev.raw % 37
    if position == 36:
        dev.outside += 1
        spin_unlock(dev.lock)
        return
    dev.position = position
    spin_unlock(dev.lock)


def probe(dev):
    spin_lock_init(dev.lock)
    tasklet_setup(dev.convert, touch_convert)
    return request_irq(dev.irq, touch_irq, 0, "touch", dev)
