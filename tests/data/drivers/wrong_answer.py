"""A handler that answers with an error number."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def handler(irq, dev):
    if not read_reg(dev, STATUS):
        return -EIO  # BUG answer
    write_reg(dev, STATUS, MINE)
    return IRQ_HANDLED


def probe(dev):
    return request_irq(dev.irq, handler, 0, "card", dev)
