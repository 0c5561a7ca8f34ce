"""A fingerprint reader on a slow bus: a thread alone, as nothing can be read in the top half."""

from tophalf.kernel import *

SCENARIO = """
title = "A fingerprint reader on a level line"

[machine]
seconds = "200ms"

[[driver]]
name = "finger"
irq = 24
flow = "level"
rate = 50
"""

STATUS, IMAGE = 0x0, 0x4
READY = 0x1


def finger_read(irq, dev):
    usleep_range(500, 700)
    if not read_reg(dev, STATUS) & READY:
        return IRQ_NONE
    write_reg(dev, STATUS, READY)
    dev.images += 1
    return IRQ_HANDLED


def attach(dev):
    return request_threaded_irq(dev.irq, None, finger_read, IRQF_ONESHOT, "finger", dev)


def probe(dev):
    write_reg(dev, IMAGE, 0)
    error = attach(dev)
    if error:
        return error
    dev.attached = 1
    return 0
