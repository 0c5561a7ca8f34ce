"""A handler that knows one of the two causes of its device. Mended."""

from tophalf.kernel import *

SCENARIO = """
[machine]
cpus = 2
seconds = "400ms"

[[driver]]
name = "card"
irq = 24
flow = "level"
ready = 2
rate = 100
"""

STATUS, RX, LINK = 0x0, 0x1, 0x2


def handler(irq, dev):
    status = read_reg(dev, STATUS)
    if not status & (RX | LINK):
        return IRQ_NONE
    write_reg(dev, STATUS, status)
    return IRQ_HANDLED


def probe(dev):
    return request_irq(dev.irq, handler, 0, "card", dev)
