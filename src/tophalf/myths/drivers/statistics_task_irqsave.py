"""The same counters, counted by tasks alone, with the forms that put back what was."""

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


def read_statistics(dev):
    flags = spin_lock_irqsave(dev.counters)
    spend(5000)  # copies registers
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
