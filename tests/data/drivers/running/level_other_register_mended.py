"""A handler that acknowledges one of its causes at another register. Mended."""

from tophalf.kernel import *

SCENARIO = """
[machine]
cpus = 2
seconds = "20ms"

[[driver]]
name = "card"
irq = 24
flow = "level"
ready = 2
rate = 100
"""

STATUS, RX, LINK = 0x0, 0x1, 0x2
LINKS = 0x4


def handler(irq, dev):
    status = read_reg(dev, STATUS)
    if status & RX:
        write_reg(dev, STATUS, RX)
        return IRQ_HANDLED
    if status & LINK:
        dev.links += 1
        write_reg(dev, STATUS, LINK)
        return IRQ_HANDLED
    return IRQ_NONE


def probe(dev):
    return request_irq(dev.irq, handler, 0, "card", dev)
