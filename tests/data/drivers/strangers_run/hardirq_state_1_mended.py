"""A GPIO expander: edges are counted in the top half; a task sets the debounce filter wider when a line is noisy for long."""

from tophalf.kernel import *

SCENARIO = """
title = "A noisy line"

[machine]
seconds = "200ms"

[[driver]]
name = "gpio"
irq = 24
flow = "level"
rate = 3000
"""

STATUS, FILTER = 0x0, 0x4
EDGE = 0x1


def gpio_irq(irq, dev):
    if not read_reg(dev, STATUS) & EDGE:
        return IRQ_NONE
    write_reg(dev, STATUS, EDGE)
    spin_lock(dev.lock)
    dev.edges += 1
    spin_unlock(dev.lock)
    return IRQ_HANDLED


def widen(dev):
    spin_lock_irq(dev.lock)
    write_reg(dev, FILTER, read_reg(dev, FILTER) + 1)
    dev.noisy = 0
    spin_unlock_irq(dev.lock)


def gpio_tune(dev):
    while not kthread_should_stop():
        msleep(10)
        spin_lock_irq(dev.lock)
        edges = dev.edges
        dev.edges = 0
        spin_unlock_irq(dev.lock)
        if edges > 10:
            dev.noisy += 1
        if dev.noisy == 5:
            widen(dev)
    return 0


def probe(dev):
    spin_lock_init(dev.lock)
    dev.task = kthread_run(gpio_tune, dev, "gpio-tune")
    return request_irq(dev.irq, gpio_irq, 0, "gpio", dev)
