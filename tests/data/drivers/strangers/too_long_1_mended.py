"""A bit-banged bus: one word in the handler."""

from tophalf.kernel import *

STATUS, READY, CLOCK, DATA = 0x0, 0x1, 0x4, 0x8


def clock_bit(bus):
    write_reg(bus, CLOCK, 1)
    udelay(1)
    write_reg(bus, CLOCK, 0)
    return read_reg(bus, DATA) & 1


def read_word(bus):
    word = 0
    for i in range(16):
        word = (word << 1) | clock_bit(bus)
    return word


def bus_irq(irq, dev):
    if not read_reg(dev, STATUS) & READY:
        return IRQ_NONE
    dev.word = read_word(dev)
    write_reg(dev, STATUS, READY)
    return IRQ_HANDLED


def probe(dev):
    dev.word = 0
    return request_irq(dev.irq, bus_irq, IRQF_SHARED, "bus", dev)
