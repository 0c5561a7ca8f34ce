"""A UART on a shared line, closed most of the time."""

from tophalf.kernel import *

STATUS, RX, DATA = 0x0, 0x1, 0x4


def uart_irq(irq, dev):
    if not dev.open:
        return IRQ_NONE
    status = read_reg(dev, STATUS)
    if status & RX:
        dev.last = read_reg(dev, DATA)
    write_reg(dev, STATUS, status)
    return IRQ_HANDLED  # HERE


def uart_open(dev):
    dev.open = 1
    return 0


def uart_close(dev):
    dev.open = 0
    synchronize_irq(dev.irq)


def probe(dev):
    dev.open = 0
    return request_irq(dev.irq, uart_irq, IRQF_SHARED | IRQF_TRIGGER_RISING, "uart", dev)
