"""A card whose handler allocates as the state of the device says: until it is up, with GFP_KERNEL."""

from tophalf.kernel import *

SCENARIO = """
[machine]
seconds = "5ms"

[[driver]]
name = "card"
irq = 24
rate = 1000
"""

STATUS = 0x0


def flags_now(dev):
    return GFP_ATOMIC if dev.up else GFP_KERNEL


def handler(irq, dev):
    write_reg(dev, STATUS, 1)
    if not kmalloc(64, flags_now(dev)):  # BUG sleep
        return IRQ_HANDLED
    dev.up = 1
    return IRQ_HANDLED


def probe(dev):
    return request_irq(dev.irq, handler, 0, "card", dev)
