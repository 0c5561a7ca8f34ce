"""A UART with a receive and a transmit lock."""

from tophalf.kernel import *

STATUS, RX, TX, DATA = 0x0, 0x1, 0x2, 0x4


def uart_irq(irq, dev):
    status = read_reg(dev, STATUS)
    if not status & (RX | TX):
        return IRQ_NONE
    write_reg(dev, STATUS, status)
    if status & RX:
        spin_lock(dev.rx_lock)
        dev.last = read_reg(dev, DATA)
        spin_unlock(dev.rx_lock)
    if status & TX:
        if dev.queued:
            spin_lock(dev.tx_lock)
            dev.queued -= 1
            write_reg(dev, DATA, dev.queued)
        spin_unlock(dev.tx_lock)  # HERE
    return IRQ_HANDLED


def uart_send(dev):
    flags = spin_lock_irqsave(dev.tx_lock)
    dev.queued += 1
    spin_unlock_irqrestore(dev.tx_lock, flags)


def probe(dev):
    spin_lock_init(dev.rx_lock)
    spin_lock_init(dev.tx_lock)
    dev.queued = 0
    return request_irq(dev.irq, uart_irq, IRQF_SHARED, "uart", dev)
