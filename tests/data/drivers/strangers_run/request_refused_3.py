"""A magnetometer that shares its line with a touch pad, whose driver keeps the line masked while its thread runs."""

from tophalf.kernel import *

SCENARIO = """
title = "A magnetometer beside a touch pad that asked for ONESHOT"

[machine]
seconds = "200ms"

[[device]]
name = "pad"
irq = 24
flow = "level"
rate = 100
defer = "thread"
deferred_cost = "50us"
oneshot = true

[[driver]]
name = "magneto"
irq = 24
flow = "level"
rate = 200
"""

STATUS = 0x0
READY = 0x1


def magneto_irq(irq, dev):
    if not read_reg(dev, STATUS) & READY:
        return IRQ_NONE
    write_reg(dev, STATUS, READY)
    return IRQ_WAKE_THREAD


def magneto_read(irq, dev):
    usleep_range(100, 150)
    dev.samples += 1
    return IRQ_HANDLED


def probe(dev):
    flags = IRQF_SHARED
    return request_threaded_irq(dev.irq, magneto_irq, magneto_read, flags, "magneto", dev)  # HERE request-refused: ONESHOT differs
