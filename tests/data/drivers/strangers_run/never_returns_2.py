"""A NIC's send queue: the top half cleans what was sent, up to where the device is."""

from tophalf.kernel import *

SCENARIO = """
title = "A ring of 64 places that comes round"

[machine]
seconds = "12s"

[[driver]]
name = "eth0"
irq = 24
produced = 8
consumed = 12
depth = 64
rate = 200
"""

CAUSE, DONE, CLEANED = 0x0, 0x8, 0xC
DEPTH = 64


def clean_one(dev):
    spend(3000)
    dev.head = dev.head + 1
    dev.sent += 1


def eth_irq(irq, dev):
    tail = read_reg(dev, DONE)
    if tail == dev.head:
        return IRQ_NONE
    while dev.head != tail:  # HERE never-ends: head goes past the end of the ring and never meets tail
        clean_one(dev)
    write_reg(dev, CLEANED, tail)
    return IRQ_HANDLED


def probe(dev):
    return request_irq(dev.irq, eth_irq, 0, "eth0-tx-0", dev)
