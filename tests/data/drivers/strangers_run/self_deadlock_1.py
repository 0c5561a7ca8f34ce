"""A humidity sensor on a bus: a task reads it, and resets the bus after three equal readings in a row."""

from tophalf.kernel import *

SCENARIO = """
title = "A sensor whose value gets stuck"

[machine]
seconds = "500ms"

[[driver]]
name = "humidity"
irq = 24
arrivals = "times"
times = ["10ms", "30ms", "60ms", "80ms"]
"""

STATUS = 0x0
READY = 0x1


def reset_bus(dev):
    mutex_lock(dev.bus)  # HERE self-deadlock: the reader holds it
    usleep_range(100, 200)
    dev.resets += 1
    mutex_unlock(dev.bus)


def note(dev, value):
    if value == dev.value:
        dev.equal += 1
    else:
        dev.equal = 0
    dev.value = value
    if dev.equal == 3:
        reset_bus(dev)


def read_task(dev):
    while not kthread_should_stop():
        msleep(20)
        mutex_lock(dev.bus)
        usleep_range(300, 400)
        note(dev, dev.changes)
        mutex_unlock(dev.bus)
    return 0


def humidity_irq(irq, dev):
    if not read_reg(dev, STATUS) & READY:
        return IRQ_NONE
    write_reg(dev, STATUS, READY)
    dev.changes += 1
    return IRQ_HANDLED


def probe(dev):
    mutex_init(dev.bus)
    dev.task = kthread_run(read_task, dev, "humidity")
    return request_irq(dev.irq, humidity_irq, 0, "humidity", dev)
