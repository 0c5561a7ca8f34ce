"""A shared line without a device to tell its handlers apart."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def handler(irq, dev):
    if not read_reg(dev, STATUS) & MINE:
        return IRQ_NONE
    write_reg(dev, STATUS, MINE)
    return IRQ_HANDLED


def probe(dev):
    return request_irq(dev.irq, handler, IRQF_SHARED, "card", None)  # BUG request-refused
