"""The thread of a line waits for its own line."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def handler(irq, dev):
    write_reg(dev, STATUS, MINE)
    return IRQ_WAKE_THREAD


def thread(irq, dev):
    dev.errors += 1
    synchronize_irq(dev.irq)  # BUG waits-for-itself
    return IRQ_HANDLED


def probe(dev):
    return request_threaded_irq(dev.irq, handler, thread, IRQF_ONESHOT, "card", dev)
