"""An accelerometer: samples are dropped while the driver sleeps, which it does from time to time."""

from tophalf.kernel import *

SCENARIO = """
title = "An accelerometer whose driver goes to sleep after 30 ms"

[machine]
seconds = "100ms"

[[driver]]
name = "accel"
irq = 24
flow = "level"
rate = 1000
"""

STATUS, DATA = 0x0, 0x4
READY = 0x1


def accel_irq(irq, dev):
    if not read_reg(dev, STATUS) & READY:
        return IRQ_NONE
    if dev.asleep:
        dev.dropped += 1
        return IRQ_HANDLED  # HERE level: READY is still set
    write_reg(dev, STATUS, READY)
    dev.samples += 1
    return IRQ_HANDLED


def accel_power(dev):
    while not kthread_should_stop():
        msleep(30)
        dev.asleep = 1 - dev.asleep
    return 0


def probe(dev):
    dev.task = kthread_run(accel_power, dev, "accel-power")
    return request_irq(dev.irq, accel_irq, 0, "accel", dev)
