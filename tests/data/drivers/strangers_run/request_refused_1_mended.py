"""A card with two ports on one line, each of which has its own handler."""

from tophalf.kernel import *

SCENARIO = """
title = "Two ports on one line"

[machine]
seconds = "100ms"

[[driver]]
name = "port0"
irq = 24
flow = "level"
rate = 500

[[driver]]
name = "port1"
irq = 24
flow = "level"
rate = 300
"""

STATUS = 0x0
READY = 0x1


def port_irq(irq, dev):
    if not read_reg(dev, STATUS) & READY:
        return IRQ_NONE
    write_reg(dev, STATUS, READY)
    dev.seen += 1
    return IRQ_HANDLED


def probe(dev):
    return request_irq(dev.irq, port_irq, IRQF_SHARED, "port", dev)
