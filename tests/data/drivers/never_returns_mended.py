"""A handler that waits for its device for ever. Mended."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def handler(irq, dev):
    for i in range(8):
        dev.count += read_reg(dev, STATUS)
    return IRQ_HANDLED


def probe(dev):
    return request_irq(dev.irq, handler, 0, "card", dev)
