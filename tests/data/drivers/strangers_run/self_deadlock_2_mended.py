"""A serial port: bytes are taken under the port's lock, and a break, which every 50th byte is here, stops the sender."""

from tophalf.kernel import *

SCENARIO = """
title = "A serial port that sees breaks"

[machine]
seconds = "100ms"

[[driver]]
name = "serial"
irq = 24
flow = "level"
data = 4
depth = 16
rate = 2000
"""

STATUS, DATA, CONTROL = 0x0, 0x4, 0x8
READY = 0x1
FIFO = 16


def stop_sending(dev):
    write_reg(dev, CONTROL, 0)
    dev.stops += 1


def take(dev, byte):
    dev.last = byte
    if byte % 50 == 0:
        stop_sending(dev)


def serial_irq(irq, dev):
    if not read_reg(dev, STATUS) & READY:
        return IRQ_NONE
    spin_lock(dev.lock)
    for slot in range(FIFO):
        if not read_reg(dev, STATUS) & READY:
            break
        take(dev, read_reg(dev, DATA))
    spin_unlock(dev.lock)
    return IRQ_HANDLED


def probe(dev):
    spin_lock_init(dev.lock)
    return request_irq(dev.irq, serial_irq, 0, "serial", dev)
