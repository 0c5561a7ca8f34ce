"""A UART: characters in the handler, line errors counted under a mutex."""

from tophalf.kernel import *

IIR, RX, NO_INT, LSR, OVERRUN = 0x2, 0x0, 0x1, 0x5, 0x2


def uart_error_work(work):
    dev = container_of(work)
    uart_count_error(dev, 1)


def uart_count_error(dev, n):
    mutex_lock(dev.stats_lock)
    dev.errors += n
    mutex_unlock(dev.stats_lock)


def uart_receive(dev):
    status = read_reg(dev, LSR)
    if status & OVERRUN:
        schedule_work(dev.error_work)
        return 0
    dev.last = read_reg(dev, RX)
    return 1


def uart_irq(irq, dev):
    if read_reg(dev, IIR) & NO_INT:
        return IRQ_NONE
    dev.received += uart_receive(dev)
    write_reg(dev, IIR, 0)
    return IRQ_HANDLED


def probe(dev):
    mutex_init(dev.stats_lock)
    INIT_WORK(dev.error_work, uart_error_work)
    return request_irq(dev.irq, uart_irq, IRQF_SHARED, "uart", dev)
