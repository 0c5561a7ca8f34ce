"""A handler walks over registers, one too far."""

from tophalf.kernel import *

SCENARIO = """
[machine]
cpus = 2
seconds = "10ms"

[[driver]]
name = "card"
irq = 24
rate = 1000
registers = 8
"""


def handler(irq, dev):
    for number in range(1, 8):
        dev.sum += read_reg(dev, number)
    return IRQ_HANDLED


def probe(dev):
    return request_irq(dev.irq, handler, 0, "card", dev)
