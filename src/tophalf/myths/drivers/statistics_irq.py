"""A NIC's statistics: a function that others call with interrupts off lets the counters' lock go with spin_unlock_irq."""

from tophalf.kernel import *


def count_frame(dev):
    spin_lock_irq(dev.counters)
    dev.frames += 1
    spin_unlock_irq(dev.counters)
    return 0


def frame_irq(irq, dev):
    spin_lock(dev.counters)
    dev.seen += 1
    spin_unlock(dev.counters)
    return IRQ_HANDLED


def read_statistics(dev):
    flags = spin_lock_irqsave(dev.registers)
    count_frame(dev)
    dev.copies += 1
    spin_unlock_irqrestore(dev.registers, flags)
    return 0


def probe(dev):
    spin_lock_init(dev.counters)
    spin_lock_init(dev.registers)
    return request_irq(dev.irq, frame_irq, 0, "nic", dev)
