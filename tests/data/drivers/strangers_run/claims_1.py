"""A sound codec that shares its line with a network card, and whose interrupts are off until it is opened."""

from tophalf.kernel import *

SCENARIO = """
title = "A codec that is opened after 40 ms"

[machine]
seconds = "100ms"

[[driver]]
name = "codec"
irq = 24
flow = "level"
enable = 4
rate = 100

[[device]]
name = "network"
irq = 24
flow = "level"
rate = 1000
"""

STATUS, ENABLE = 0x0, 0x4
PERIOD = 0x1


def codec_irq(irq, dev):
    if not dev.opened:
        dev.stray += 1
        return IRQ_HANDLED  # HERE claims-all: its interrupts are off, so it is the other's
    if not read_reg(dev, STATUS) & PERIOD:
        return IRQ_NONE
    write_reg(dev, STATUS, PERIOD)
    dev.periods += 1
    return IRQ_HANDLED


def codec_open(dev):
    msleep(40)
    dev.opened = 1
    write_reg(dev, ENABLE, PERIOD)
    return 0


def probe(dev):
    dev.task = kthread_run(codec_open, dev, "codec-open")
    return request_irq(dev.irq, codec_irq, IRQF_SHARED, "codec", dev)
