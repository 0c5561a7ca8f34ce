"""A UART that sends, too: the transmitter's interrupt is on as long as there is something to send."""

from tophalf.kernel import *

SCENARIO = """
title = "A UART to which a task gives ten bytes each 20 ms"

[machine]
seconds = "100ms"

[[driver]]
name = "uart"
irq = 24
flow = "level"
data = 4
start = 4
enable = 8
idle = 2
depth = 16
latency = "87us"
rate = 500
"""

STATUS, DATA, ENABLE = 0x0, 0x4, 0x8
RX_READY, TX_EMPTY = 0x1, 0x2


def transmit(dev):
    if dev.queued > 0:
        dev.queued -= 1
        write_reg(dev, DATA, dev.queued)
    else:
        write_reg(dev, ENABLE, RX_READY)


def uart_irq(irq, dev):
    status = read_reg(dev, STATUS) & read_reg(dev, ENABLE)
    if not status & (RX_READY | TX_EMPTY):
        return IRQ_NONE
    spin_lock(dev.lock)
    if status & RX_READY:
        dev.last = read_reg(dev, DATA)
    if status & TX_EMPTY:
        transmit(dev)
    spin_unlock(dev.lock)
    return IRQ_HANDLED


def uart_writer(dev):
    while not kthread_should_stop():
        msleep(20)
        spin_lock_irq(dev.lock)
        dev.queued += 10
        write_reg(dev, ENABLE, RX_READY | TX_EMPTY)
        spin_unlock_irq(dev.lock)
    return 0


def probe(dev):
    spin_lock_init(dev.lock)
    write_reg(dev, ENABLE, RX_READY)
    dev.task = kthread_run(uart_writer, dev, "uart-writer")
    return request_irq(dev.irq, uart_irq, 0, "ttyS1", dev)
