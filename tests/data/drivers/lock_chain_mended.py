"""The lock of a handler stands before one that is taken with interrupts on. Mended."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def move(dev):
    flags = spin_lock_irqsave(dev.lock)
    spin_lock(dev.list)
    dev.moved += 1
    spin_unlock(dev.list)
    spin_unlock_irqrestore(dev.lock, flags)


def show(dev):
    spin_lock_irq(dev.list)
    dev.shown += 1
    spin_unlock_irq(dev.list)


def handler(irq, dev):
    if not read_reg(dev, STATUS) & MINE:
        return IRQ_NONE
    write_reg(dev, STATUS, MINE)
    spin_lock(dev.lock)
    dev.count += 1
    spin_unlock(dev.lock)
    return IRQ_HANDLED


def probe(dev):
    return request_irq(dev.irq, handler, IRQF_SHARED, "card", dev)
