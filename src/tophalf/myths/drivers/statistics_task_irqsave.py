"""The same counters, counted by tasks alone, with the forms that put back what was."""

from tophalf.kernel import *


def read_statistics(dev):
    flags = spin_lock_irqsave(dev.counters)
    dev.frames += 1
    spin_unlock_irqrestore(dev.counters, flags)
    return 0


def frame_irq(irq, dev):
    spin_lock(dev.counters)
    dev.seen += 1
    spin_unlock(dev.counters)
    return IRQ_HANDLED


def probe(dev):
    spin_lock_init(dev.counters)
    return request_irq(dev.irq, frame_irq, 0, "nic", dev)
