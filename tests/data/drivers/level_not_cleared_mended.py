"""A level line whose cause stays. Mended."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def handler(irq, dev):
    write_reg(dev, STATUS, MINE)
    dev.count += 1
    return IRQ_HANDLED


def probe(dev):
    return request_irq(dev.irq, handler, IRQF_TRIGGER_HIGH, "card", dev)
