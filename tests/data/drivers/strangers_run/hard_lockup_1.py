"""A laser: its calibration, 14 s long, is started and waited for with the lock held that keeps others from the device."""

from tophalf.kernel import *

SCENARIO = """
title = "A laser that is calibrated after five pulses"

[machine]
seconds = "25s"

[[driver]]
name = "laser"
irq = 24
start = 4
enable = 8
idle = 2
latency = "14s"
rate = 10
"""

STATUS, CALIBRATE, ENABLE = 0x0, 0x4, 0x8
PULSE, IDLE = 0x1, 0x2


def laser_irq(irq, dev):
    if not read_reg(dev, STATUS) & PULSE:
        return IRQ_NONE
    write_reg(dev, STATUS, PULSE)
    dev.pulses += 1
    return IRQ_HANDLED


def calibrate(dev):
    flags = spin_lock_irqsave(dev.lock)
    write_reg(dev, CALIBRATE, 1)
    while not read_reg(dev, STATUS) & IDLE:
        mdelay(1)  # HERE hard-lockup: for 14 s with interrupts off
    dev.calibrated = 1
    spin_unlock_irqrestore(dev.lock, flags)


def laser_task(dev):
    while not kthread_should_stop():
        msleep(100)
        if dev.pulses > 5 and not dev.calibrated:
            calibrate(dev)
    return 0


def probe(dev):
    spin_lock_init(dev.lock)
    write_reg(dev, ENABLE, PULSE)
    dev.task = kthread_run(laser_task, dev, "laser")
    return request_irq(dev.irq, laser_irq, 0, "laser", dev)
