"""A UART: the top half counts bytes under the FIFO's lock; a task keeps statistics under another one."""

from tophalf.kernel import *

SCENARIO = """
title = "A UART whose statistics are kept by a task"

[machine]
seconds = "200ms"

[[driver]]
name = "uart"
irq = 24
flow = "level"
data = 4
depth = 16
rate = 2000
"""

STATUS, DATA = 0x0, 0x4
READY = 0x1


def uart_irq(irq, dev):
    if not read_reg(dev, STATUS) & READY:
        return IRQ_NONE
    spin_lock(dev.fifo)
    dev.last = read_reg(dev, DATA)
    dev.level += 1
    spin_unlock(dev.fifo)
    return IRQ_HANDLED


def account(dev, count):
    flags = spin_lock_irqsave(dev.stats)
    dev.total += count
    spin_unlock_irqrestore(dev.stats, flags)


def uart_task(dev):
    while not kthread_should_stop():
        msleep(8)
        account(dev, 1)
        spin_lock_irq(dev.fifo)
        level = dev.level
        dev.level = 0
        if dev.last > 150:
            account(dev, level)
        spin_unlock_irq(dev.fifo)
    return 0


def probe(dev):
    spin_lock_init(dev.fifo)
    spin_lock_init(dev.stats)
    dev.task = kthread_run(uart_task, dev, "uart-stats")
    return request_irq(dev.irq, uart_irq, 0, "ttyS0", dev)
