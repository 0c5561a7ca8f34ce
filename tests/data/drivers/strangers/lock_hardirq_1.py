"""A UART whose FIFO is shared by the handler and write()."""

from tophalf.kernel import *

STATUS, TX, DATA = 0x0, 0x1, 0x4


def fifo_reset(port):
    spin_lock(port.lock)  # HERE
    port.head = 0
    port.tail = 0
    spin_unlock(port.lock)


def uart_irq(irq, dev):
    if not read_reg(dev, STATUS) & TX:
        return IRQ_NONE
    write_reg(dev, STATUS, TX)
    spin_lock(dev.lock)
    if dev.head != dev.tail:
        write_reg(dev, DATA, dev.tail)
        dev.tail += 1
    spin_unlock(dev.lock)
    return IRQ_HANDLED


def uart_write(dev, n):
    if n == 0:
        fifo_reset(dev)
        return 0
    flags = spin_lock_irqsave(dev.lock)
    dev.head += n
    spin_unlock_irqrestore(dev.lock, flags)
    return n


def probe(dev):
    spin_lock_init(dev.lock)
    dev.head = 0
    dev.tail = 0
    return request_irq(dev.irq, uart_irq, IRQF_SHARED, "uart", dev)
