"""A shared line's handler that claims what comes while it still has something to do. Mended."""

from tophalf.kernel import *

SCENARIO = """
[machine]
cpus = 2
seconds = "20ms"

[[driver]]
name = "card"
irq = 24
flow = "level"
rate = 1000

[[device]]
name = "disk"
irq = 24
flow = "level"
rate = 700
handler_cost = "2us"
"""

STATUS, READY = 0x0, 0x1


def handler(irq, dev):
    if read_reg(dev, STATUS) & READY:
        write_reg(dev, STATUS, READY)
        dev.left = 3
        return IRQ_HANDLED
    if dev.left > 0:
        dev.left -= 1
        return IRQ_NONE
    return IRQ_NONE


def probe(dev):
    return request_irq(dev.irq, handler, IRQF_SHARED, "card", dev)
