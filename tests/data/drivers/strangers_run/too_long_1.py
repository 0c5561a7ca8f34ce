"""A GPS receiver on a slow bus, 3 us a byte: sentences come at once, and all that is in the FIFO is taken."""

from tophalf.kernel import *

SCENARIO = """
title = "Sentences of 60 bytes, ten a second"

[machine]
seconds = "1s"

[[driver]]
name = "gps"
irq = 24
flow = "level"
data = 4
depth = 64
rate = 1000000
arrivals = "bursts"
burst = 60
gap = "100ms"
"""

STATUS, DATA = 0x0, 0x4
READY = 0x1
FIFO = 64


def gps_take(dev):
    dev.last = read_reg(dev, DATA)
    dev.bytes += 1
    spend(3000)  # HERE too-long: 60 bytes are 180 us in the top half


def gps_irq(irq, dev):
    if not read_reg(dev, STATUS) & READY:
        return IRQ_NONE
    for slot in range(FIFO):
        if not read_reg(dev, STATUS) & READY:
            break
        gps_take(dev)
    return IRQ_HANDLED


def probe(dev):
    return request_irq(dev.irq, gps_irq, 0, "gps", dev)
