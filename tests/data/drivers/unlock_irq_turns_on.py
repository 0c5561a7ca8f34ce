"""An inner function turns interrupts on that its caller had off."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def count(dev):
    spin_lock_irq(dev.stats)
    dev.count += 1
    spin_unlock_irq(dev.stats)  # BUG irqs-on


def write(dev):
    flags = spin_lock_irqsave(dev.lock)
    count(dev)
    spin_unlock_irqrestore(dev.lock, flags)
