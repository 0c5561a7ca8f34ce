"""A modem: bytes are taken from a FIFO in the top half, and a full buffer is exchanged for an empty one."""

from tophalf.kernel import *

SCENARIO = """
title = "A modem that fills a buffer of 64 bytes"

[machine]
seconds = "200ms"

[[driver]]
name = "modem"
irq = 24
flow = "level"
data = 4
depth = 16
rate = 2000
"""

STATUS, DATA = 0x0, 0x4
READY = 0x1
FIFO = 16
BUFFER = 64


def exchange(dev):
    dev.full_buffers += 1
    dev.buffer = kmalloc(BUFFER, GFP_KERNEL)  # HERE sleep: GFP_KERNEL in the top half, once a buffer
    dev.used = 0


def store(dev, byte):
    dev.last = byte
    dev.used += 1
    if dev.used == BUFFER:
        exchange(dev)


def modem_irq(irq, dev):
    if not read_reg(dev, STATUS) & READY:
        return IRQ_NONE
    for slot in range(FIFO):
        if not read_reg(dev, STATUS) & READY:
            break
        store(dev, read_reg(dev, DATA))
    return IRQ_HANDLED


def probe(dev):
    dev.buffer = kmalloc(BUFFER, GFP_KERNEL)
    return request_irq(dev.irq, modem_irq, 0, "modem", dev)
