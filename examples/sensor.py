"""A sensor on a slow bus, on a shared line: acknowledge in the top half, read in the thread."""

from tophalf.kernel import *

SCENARIO = """
title = "A sensor on a slow bus, on a level line"

[machine]
seconds = "100ms"

[[driver]]
name = "sensor"
irq = 24
flow = "level"
rate = 1000
"""

STATUS, READY = 0x0, 0x1


def sensor_irq(irq, dev):
    if not read_reg(dev, STATUS) & READY:
        return IRQ_NONE  # the line is shared
    write_reg(dev, STATUS, READY)  # acknowledge: a level line would fire again
    return IRQ_WAKE_THREAD


def sensor_read(irq, dev):
    mutex_lock(dev.bus)
    usleep_range(250, 350)
    dev.samples += 1
    mutex_unlock(dev.bus)
    return IRQ_HANDLED


def probe(dev):
    mutex_init(dev.bus)
    return request_threaded_irq(dev.irq, sensor_irq, sensor_read, IRQF_SHARED | IRQF_ONESHOT, "sensor", dev)
