"""A serial card with two ports on one line: each port counts what it has seen."""

from tophalf.kernel import *

SCENARIO = """
title = "Two ports, of which one is used much more"

[machine]
seconds = "100ms"

[[driver]]
name = "port0"
irq = 24
flow = "level"
rate = 1300

[[driver]]
name = "port1"
irq = 24
flow = "level"
rate = 100
"""

STATUS = 0x0
READY = 0x1


def port_irq(irq, dev):
    status = read_reg(dev, STATUS)
    dev.events = status & READY
    if not dev.events:
        return IRQ_NONE
    write_reg(dev, STATUS, READY)
    dev.seen += 1
    return IRQ_HANDLED


def probe(dev):
    return request_irq(dev.irq, port_irq, IRQF_SHARED, "port", dev)
