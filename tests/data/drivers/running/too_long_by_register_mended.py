"""A handler that waits as long as its device says. Mended."""

from tophalf.kernel import *

SCENARIO = """
[machine]
cpus = 2
seconds = "100ms"

[[driver]]
name = "card"
irq = 24
flow = "edge"
rate = 100
"""

STATUS, READY, SETTLE = 0x0, 0x1, 0x8


def handler(irq, dev):
    write_reg(dev, STATUS, READY)
    for tens in range(read_reg(dev, SETTLE)):
        udelay(10)
    return IRQ_HANDLED


def probe(dev):
    write_reg(dev, SETTLE, 5)
    return request_irq(dev.irq, handler, 0, "card", dev)
