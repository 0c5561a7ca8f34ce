"""A handler that waits for its device at no cost of time."""

from tophalf.kernel import *

SCENARIO = """
[machine]
cpus = 2
seconds = "20ms"

[[driver]]
name = "card"
irq = 24
flow = "edge"
rate = 100
"""

STATUS, READY, DONE = 0x0, 0x1, 0x2


def handler(irq, dev):
    write_reg(dev, STATUS, READY)
    tries = 0
    while not read_reg(dev, STATUS) & DONE:  # RUN never-ends
        tries += 1
    return IRQ_HANDLED


def probe(dev):
    return request_irq(dev.irq, handler, 0, "card", dev)
