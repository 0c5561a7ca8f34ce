"""A packet capture card: a work item takes packets from the ring, with the interrupt masked, until the ring is empty."""

from tophalf.kernel import *

SCENARIO = """
title = "A capture card with more packets than can be taken"

[machine]
seconds = "32s"

[[driver]]
name = "capture"
irq = 24
flow = "level"
mask = 4
produced = 8
consumed = 12
depth = 256
rate = 20000
"""

CAUSE, MASK, PRODUCED, CONSUMED = 0x0, 0x4, 0x8, 0xC
RX = 0x1
DEPTH = 256


def capture_irq(irq, dev):
    if not read_reg(dev, CAUSE) & RX:
        return IRQ_NONE
    write_reg(dev, MASK, RX)
    schedule_work(dev.take)
    return IRQ_HANDLED


def capture_take(work):
    dev = container_of(work)
    while read_reg(dev, PRODUCED) != dev.head:
        dev.head = (dev.head + 1) % DEPTH
        write_reg(dev, CONSUMED, dev.head)
        spend(60000)
        dev.packets += 1
        cond_resched()
    write_reg(dev, MASK, 0)


def probe(dev):
    INIT_WORK(dev.take, capture_take)
    return request_irq(dev.irq, capture_irq, 0, "capture", dev)
