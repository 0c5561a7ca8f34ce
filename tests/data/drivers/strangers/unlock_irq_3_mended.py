"""A serial bus: bits are clocked out with interrupts off."""

from tophalf.kernel import *

DATA, CLOCK = 0x0, 0x4


def bus_bit(bus, bit):
    flags = local_irq_save()
    write_reg(bus, DATA, bit)
    write_reg(bus, CLOCK, 1)
    write_reg(bus, CLOCK, 0)
    local_irq_restore(flags)


def bus_byte(bus, byte):
    for i in range(8):
        bus_bit(bus, (byte >> i) & 1)


def bus_send(dev, byte):
    saved = spin_lock_irqsave(dev.lock)
    bus_byte(dev, byte)
    dev.sent += 1
    spin_unlock_irqrestore(dev.lock, saved)


def probe(dev):
    spin_lock_init(dev.lock)
    dev.sent = 0
    bus_byte(dev, 0)
    bus_send(dev, 0xff)
    return 0
