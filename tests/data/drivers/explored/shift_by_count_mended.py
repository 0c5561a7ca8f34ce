"""A mask is shifted by how many have come, which grows."""

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
    dev.count += 10
    dev.mask = 1 << (dev.count % 32)
    return IRQ_HANDLED


def probe(dev):
    return request_irq(dev.irq, handler, 0, "card", dev)
