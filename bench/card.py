"""The driver that `make bench` measures: a top half that reads, acknowledges and counts, and a tasklet that counts."""

from tophalf.kernel import *

SCENARIO = """
title = "A card that interrupts 200,000 times a second"

[machine]
seconds = "100ms"

[[driver]]
name = "card"
irq = 24
flow = "level"
rate = 200000
"""

STATUS, READY = 0x0, 0x1
HANDLER_NS, TASKLET_NS = 200, 300


def card_irq(irq, dev):
    if not read_reg(dev, STATUS) & READY:
        return IRQ_NONE
    spend(HANDLER_NS)
    write_reg(dev, STATUS, READY)
    dev.interrupts += 1
    tasklet_schedule(dev.later)
    return IRQ_HANDLED


def card_later(tasklet):
    dev = from_tasklet(tasklet)
    spend(TASKLET_NS)
    dev.tasklets += 1


def probe(dev):
    tasklet_setup(dev.later, card_later)
    return request_irq(dev.irq, card_irq, 0, "card", dev)
