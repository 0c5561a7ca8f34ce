"""The same counters, counted by tasks alone, which have interrupts on: here spin_lock_irq is right."""

from tophalf.kernel import *


def read_statistics(dev):
    spin_lock_irq(dev.counters)
    dev.frames += 1
    spin_unlock_irq(dev.counters)
    return 0


def frame_irq(irq, dev):
    spin_lock(dev.counters)
    dev.seen += 1
    spin_unlock(dev.counters)
    return IRQ_HANDLED


def probe(dev):
    spin_lock_init(dev.counters)
    return request_irq(dev.irq, frame_irq, 0, "nic", dev)
