"""A UART that empties its FIFO in the handler."""

from tophalf.kernel import *

STATUS, RX, DATA = 0x0, 0x1, 0x4


def uart_irq(irq, dev):
    status = read_reg(dev, STATUS)
    if not status & RX:
        return IRQ_NONE
    for i in range(16):
        dev.last = read_reg(dev, DATA)
        dev.received += 1
        status = read_reg(dev, STATUS)
        if not status & RX:
            break
    write_reg(dev, STATUS, RX)
    return IRQ_HANDLED


def probe(dev):
    dev.received = 0
    dev.last = 0
    return request_irq(dev.irq, uart_irq, IRQF_SHARED, "uart", dev)


def remove(dev):
    free_irq(dev.irq, dev)
