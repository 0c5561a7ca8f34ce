"""A handler wakes a thread that it has not."""

from tophalf.kernel import *

SCENARIO = """
[machine]
cpus = 2
seconds = "10ms"

[[driver]]
name = "card"
irq = 24
rate = 1000
"""


def handler(irq, dev):
    dev.count += 1
    if dev.count % 4 == 0:
        dev.count = 0
    return IRQ_HANDLED


def probe(dev):
    return request_irq(dev.irq, handler, 0, "card", dev)
