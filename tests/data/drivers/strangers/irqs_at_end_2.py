"""A counter card: the handler counts, read() takes the count away."""

from tophalf.kernel import *

STATUS, TICK, RATE = 0x0, 0x1, 0x4


def counter_irq(irq, dev):
    if not read_reg(dev, STATUS) & TICK:
        return IRQ_NONE
    write_reg(dev, STATUS, TICK)
    spin_lock(dev.lock)
    dev.count += 1
    spin_unlock(dev.lock)
    return IRQ_HANDLED


def counter_take(dev):
    spin_lock_irq(dev.lock)
    count = dev.count
    if not count:
        spin_unlock(dev.lock)  # HERE
        return 0
    dev.count = 0
    spin_unlock_irq(dev.lock)
    return count


def probe(dev):
    spin_lock_init(dev.lock)
    dev.count = 0
    write_reg(dev, RATE, 100)
    return request_irq(dev.irq, counter_irq, IRQF_SHARED, "counter", dev)
