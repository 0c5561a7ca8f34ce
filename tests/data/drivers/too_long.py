"""A handler that waits 150 µs for its device."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def handler(irq, dev):  # BUG too-long
    write_reg(dev, STATUS, MINE)
    for i in range(15):
        udelay(10)
    return IRQ_HANDLED


def probe(dev):
    return request_irq(dev.irq, handler, 0, "card", dev)
