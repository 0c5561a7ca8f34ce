"""A CAN controller: frames are taken in the top half; when too many wait, those that wait to be sent are thrown away."""

from tophalf.kernel import *

SCENARIO = """
title = "A CAN bus in which frames pile up"

[machine]
seconds = "100ms"

[[driver]]
name = "can"
irq = 24
flow = "level"
rate = 1000
"""

STATUS, ABORT = 0x0, 0x4
FRAME = 0x1


def throw_away(dev):
    spin_lock(dev.tx)
    write_reg(dev, ABORT, 1)
    dev.waiting = 0
    spin_unlock(dev.tx)


def can_irq(irq, dev):
    if not read_reg(dev, STATUS) & FRAME:
        return IRQ_NONE
    write_reg(dev, STATUS, FRAME)
    dev.frames += 1
    dev.waiting += 1
    if dev.waiting > 40:
        throw_away(dev)
    return IRQ_HANDLED


def can_send(dev):
    while not kthread_should_stop():
        msleep(10)
        spin_lock_irq(dev.tx)
        if dev.waiting > 0:
            dev.waiting -= 1
        spin_unlock_irq(dev.tx)
    return 0


def probe(dev):
    spin_lock_init(dev.tx)
    dev.task = kthread_run(can_send, dev, "can-send")
    return request_irq(dev.irq, can_irq, 0, "can0", dev)
