"""A handler that waits for its device for ever."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def handler(irq, dev):
    while True:  # BUG never-ends
        dev.count += read_reg(dev, STATUS)


def probe(dev):
    return request_irq(dev.irq, handler, 0, "card", dev)
