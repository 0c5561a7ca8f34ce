"""A handler that turns interrupts on."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def handler(irq, dev):
    if not read_reg(dev, STATUS) & MINE:
        return IRQ_NONE
    write_reg(dev, STATUS, MINE)
    local_irq_enable()  # BUG irqs-on
    dev.count += 1
    local_irq_disable()
    return IRQ_HANDLED


def probe(dev):
    return request_irq(dev.irq, handler, IRQF_SHARED, "card", dev)
