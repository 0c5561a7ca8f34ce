"""A pressure sensor: the line's thread reads it under the bus's mutex; a task calibrates it now and then under the same."""

from tophalf.kernel import *

SCENARIO = """
title = "A pressure sensor that is calibrated after 100 samples"

[machine]
seconds = "1s"

[[driver]]
name = "pressure"
irq = 24
flow = "level"
rate = 1000
"""

STATUS, OFFSET = 0x0, 0x4
READY = 0x1


def pressure_irq(irq, dev):
    if not read_reg(dev, STATUS) & READY:
        return IRQ_NONE
    write_reg(dev, STATUS, READY)
    return IRQ_WAKE_THREAD


def pressure_read(irq, dev):
    mutex_lock(dev.bus)
    dev.samples += 1
    mutex_unlock(dev.bus)
    return IRQ_HANDLED


def calibrate(dev):
    mutex_lock(dev.bus)
    write_reg(dev, OFFSET, dev.samples)
    msleep(8)
    synchronize_irq(dev.irq)  # HERE waits-for-itself: the thread waits for the mutex that is held here
    mutex_unlock(dev.bus)


def pressure_task(dev):
    while not kthread_should_stop():
        msleep(20)
        if dev.samples > 100:
            calibrate(dev)
    return 0


def probe(dev):
    mutex_init(dev.bus)
    dev.task = kthread_run(pressure_task, dev, "pressure")
    return request_threaded_irq(dev.irq, pressure_irq, pressure_read, IRQF_ONESHOT, "pressure", dev)
