"""A handler answers what a register holds."""

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


CAUSE = 0x4


def handler(irq, dev):
    write_reg(dev, CAUSE, 8)
    cause = read_reg(dev, CAUSE)
    return cause  # BUG answer


def probe(dev):
    return request_irq(dev.irq, handler, 0, "card", dev)
