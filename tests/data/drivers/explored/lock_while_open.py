"""A lock that a handler takes is taken with interrupts on only while the device is open."""

from tophalf.kernel import *

SCENARIO = """
[machine]
cpus = 2
seconds = "10ms"

[[driver]]
name = "card"
irq = 24
rate = 100

[[call]]
device = "card"
function = "use"
sleep = "1ms"
"""


def handler(irq, dev):
    if dev.open:
        spin_lock(dev.lock)
        dev.hits += 1
        spin_unlock(dev.lock)
    return IRQ_HANDLED


def use(dev):
    dev.open = 1
    spin_lock(dev.lock)  # BUG inconsistent-hardirq
    dev.count += 1
    spin_unlock(dev.lock)
    dev.open = 0


def probe(dev):
    return request_irq(dev.irq, handler, 0, "card", dev)
