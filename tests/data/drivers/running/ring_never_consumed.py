"""A ring on a level line whose handler counts for itself, and tells the device nothing."""

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
    dev.next = (dev.next + 1) % 2048
    return IRQ_HANDLED  # RUN level


def probe(dev):
    return request_irq(dev.irq, handler, IRQF_TRIGGER_HIGH, "dev", dev)
