"""A thread without a handler and without IRQF_ONESHOT."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def thread(irq, dev):
    write_reg(dev, STATUS, MINE)
    return IRQ_HANDLED


def probe(dev):
    return request_threaded_irq(dev.irq, None, thread, IRQF_TRIGGER_LOW, "card", dev)  # BUG request-refused
