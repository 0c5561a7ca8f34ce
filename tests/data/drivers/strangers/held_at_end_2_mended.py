"""A receiver with a FIFO."""

from tophalf.kernel import *

STATUS, RX, FIFO = 0x0, 0x1, 0x4


def fifo_next(rx):
    spin_lock(rx.lock)
    word = read_reg(rx, FIFO)
    if not word:
        rx.empty += 1
        spin_unlock(rx.lock)
        return 0
    rx.words += 1
    spin_unlock(rx.lock)
    return word


def rx_irq(irq, dev):
    if not read_reg(dev, STATUS) & RX:
        return IRQ_NONE
    write_reg(dev, STATUS, RX)
    dev.last = fifo_next(dev)
    return IRQ_HANDLED


def rx_count(dev):
    spin_lock_irq(dev.lock)
    n = dev.words
    spin_unlock_irq(dev.lock)
    return n


def probe(dev):
    spin_lock_init(dev.lock)
    dev.words = 0
    dev.empty = 0
    return request_irq(dev.irq, rx_irq, IRQF_SHARED, "rx", dev)
