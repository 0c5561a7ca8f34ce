"""A NIC's statistics: a function that others call with interrupts off lets the counters' lock go with spin_unlock_irq."""

from tophalf.kernel import *

SCENARIO = """
[machine]
seconds = "1s"

[[driver]]
name = "nic"
irq = 24
rate = 5000
arrivals = "poisson"

[[call]]
device = "nic"
function = "read_statistics"
name = "ethtool"
sleep = "1ms"
"""


def count_frame(dev):
    spin_lock_irq(dev.counters)
    dev.frames += 1
    spin_unlock_irq(dev.counters)
    return 0


def frame_irq(irq, dev):
    spin_lock(dev.registers)
    dev.seen += 1
    spin_unlock(dev.registers)
    return IRQ_HANDLED


def read_statistics(dev):
    flags = spin_lock_irqsave(dev.registers)
    count_frame(dev)
    spend(5000)  # copies registers
    dev.copies += 1
    spin_unlock_irqrestore(dev.registers, flags)
    return 0


def probe(dev):
    spin_lock_init(dev.counters)
    spin_lock_init(dev.registers)
    return request_irq(dev.irq, frame_irq, 0, "nic", dev)
