"""A tape controller: on every 25th operation, which fails, the top half resets the controller and waits until it is ready."""

from tophalf.kernel import *

SCENARIO = """
title = "A controller that does not come out of reset"

[machine]
seconds = "12s"

[[driver]]
name = "tape"
irq = 24
flow = "level"
data = 4
depth = 4
rate = 100
"""

STATUS, RESULT, CONTROL = 0x0, 0x4, 0x8
READY, RESET = 0x1, 0x1
TRIES = 5


def reset(dev):
    dev.resets += 1
    write_reg(dev, CONTROL, RESET)
    dev.tries = 0
    while read_reg(dev, CONTROL) & RESET:
        udelay(10)
        dev.tries += 1
        if dev.tries == TRIES:
            break


def tape_irq(irq, dev):
    if not read_reg(dev, STATUS) & READY:
        return IRQ_NONE
    result = read_reg(dev, RESULT)
    if result % 25 == 0:
        reset(dev)
    return IRQ_HANDLED


def probe(dev):
    return request_irq(dev.irq, tape_irq, 0, "tape", dev)
