"""A level line whose cause stays."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def handler(irq, dev):
    dev.count += 1
    return IRQ_HANDLED  # BUG level


def probe(dev):
    return request_irq(dev.irq, handler, IRQF_TRIGGER_HIGH, "card", dev)
