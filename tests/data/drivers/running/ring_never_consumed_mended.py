"""A ring on a level line, one entry an interrupt: slow, but each makes progress."""

from tophalf.kernel import *

SCENARIO = """
[machine]
cpus = 2
seconds = "20ms"

[[driver]]
name = "dev"
irq = 24
flow = "level"
rate = 10000000
arrivals = "bursts"
burst = 1500
gap = "10ms"
produced = 8
consumed = 12
depth = 2048
"""


def handler(irq, dev):
    if read_reg(dev, 8) == dev.next:
        return IRQ_NONE
    dev.next = (dev.next + 1) % 2048
    write_reg(dev, 12, dev.next)
    return IRQ_HANDLED


def probe(dev):
    return request_irq(dev.irq, handler, IRQF_TRIGGER_HIGH, "dev", dev)
