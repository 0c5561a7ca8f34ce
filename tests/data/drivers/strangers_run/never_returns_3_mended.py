"""A keypad: a tasklet blinks lamps; the top half takes keys, and in burst mode all that wait in the FIFO."""

from tophalf.kernel import *

SCENARIO = """
title = "A keypad that goes to burst mode at the 20th key"

[machine]
seconds = "12s"

[[driver]]
name = "keypad"
irq = 24
flow = "level"
data = 4
depth = 8
rate = 20
"""

STATUS, KEY = 0x0, 0x4
READY = 0x1


def take_all(dev, status):
    while status & READY:
        dev.key = read_reg(dev, KEY)
        dev.keys += 1
        spend(5000)
        status = read_reg(dev, STATUS)


def keypad_irq(irq, dev):
    status = read_reg(dev, STATUS)
    if not status & READY:
        return IRQ_NONE
    if dev.keys < 20:
        dev.key = read_reg(dev, KEY)
        dev.keys += 1
    else:
        take_all(dev, status)
    tasklet_schedule(dev.blink)
    return IRQ_HANDLED


def keypad_blink(tasklet):
    dev = from_tasklet(tasklet)
    dev.lamps = dev.key % 4


def probe(dev):
    tasklet_setup(dev.blink, keypad_blink)
    return request_irq(dev.irq, keypad_irq, 0, "keypad", dev)
