"""A card reader that is polled if its self-test says that its interrupt does not work."""

from tophalf.kernel import *

SCENARIO = """
title = "A card reader without an identity"

[machine]
seconds = "200ms"

[[driver]]
name = "reader"
irq = 24
"""

STATUS, IDENTITY = 0x0, 0x4
READY = 0x1


def reader_irq(irq, dev):
    if not read_reg(dev, STATUS) & READY:
        return IRQ_NONE
    write_reg(dev, STATUS, READY)
    dev.cards += 1
    return IRQ_HANDLED


def look(dev):
    dev.looks += 1


def reader_poll(dev):
    while not kthread_should_stop():
        msleep(20)
        look(dev)
    return 0


def probe(dev):
    error = request_irq(dev.irq, reader_irq, 0, "reader", dev)
    if error:
        return error
    if read_reg(dev, IDENTITY) == 0:
        free_irq(dev.irq, dev)
        dev.task = kthread_run(reader_poll, dev, "reader-poll")
    return 0
