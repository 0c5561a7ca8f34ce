"""A flash chip: a task erases it, which takes 28 s, and looks each millisecond whether it is done."""

from tophalf.kernel import *

SCENARIO = """
title = "A flash chip that is erased"

[machine]
seconds = "45s"

[[driver]]
name = "flash"
irq = 24
start = 4
enable = 8
idle = 2
latency = "28s"
"""

STATUS, ERASE = 0x0, 0x4
FAULT, IDLE = 0x1, 0x2
MOST = 100000


def wait_for_idle(dev):
    for n in range(MOST):
        if read_reg(dev, STATUS) & IDLE:
            return 0
        msleep(1)
    return -ETIMEDOUT


def flash_erase(dev):
    msleep(100)
    write_reg(dev, ERASE, 1)
    dev.error = wait_for_idle(dev)
    dev.erased += 1
    return 0


def flash_irq(irq, dev):
    if not read_reg(dev, STATUS) & FAULT:
        return IRQ_NONE
    write_reg(dev, STATUS, FAULT)
    dev.faults += 1
    return IRQ_HANDLED


def probe(dev):
    dev.task = kthread_run(flash_erase, dev, "flash-erase")
    return request_irq(dev.irq, flash_irq, 0, "flash", dev)
