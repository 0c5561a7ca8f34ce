"""A DMA engine: the handler's lock outside, the pool's lock inside."""

from tophalf.kernel import *

STATUS, DONE, DESC = 0x0, 0x1, 0x4


def dma_irq(irq, dev):
    if not read_reg(dev, STATUS) & DONE:
        return IRQ_NONE
    write_reg(dev, STATUS, DONE)
    spin_lock(dev.chan)
    dev.busy = 0
    spin_unlock(dev.chan)
    return IRQ_HANDLED


def pool_take(dma):
    spin_lock(dma.pool)
    dma.used += 1
    spin_unlock(dma.pool)


def dma_start(dev):
    flags = spin_lock_irqsave(dev.chan)
    if not dev.busy:
        pool_take(dev)
        dev.busy = 1
        write_reg(dev, DESC, dev.used)
    spin_unlock_irqrestore(dev.chan, flags)


def dma_shrink(dev):
    spin_lock_irq(dev.pool)
    dev.used = 0
    spin_unlock_irq(dev.pool)


def probe(dev):
    spin_lock_init(dev.chan)
    spin_lock_init(dev.pool)
    dev.busy = 0
    dev.used = 0
    return request_irq(dev.irq, dma_irq, IRQF_SHARED, "dma", dev)
