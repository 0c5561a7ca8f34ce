"""A video scaler: one tasklet scales a line, another one checks it, and has it scaled again when the check fails."""

from tophalf.kernel import *

SCENARIO = """
title = "A scaler whose 30th line never comes out right"

[machine]
seconds = "1s"

[[driver]]
name = "scaler"
irq = 24
flow = "level"
data = 4
depth = 4
rate = 200
"""

STATUS, LINE, SUM = 0x0, 0x4, 0x8
READY = 0x1


def scaler_irq(irq, dev):
    if not read_reg(dev, STATUS) & READY:
        return IRQ_NONE
    line = read_reg(dev, LINE)
    if dev.again:
        dev.dropped += 1
        return IRQ_HANDLED
    dev.line = line
    tasklet_schedule(dev.scale)
    return IRQ_HANDLED


def scaler_scale(tasklet):
    dev = from_tasklet(tasklet)
    spend(3000)
    write_reg(dev, SUM, dev.line % 30)
    tasklet_schedule(dev.check)


def scaler_check(tasklet):
    dev = from_tasklet(tasklet)
    spend(1000)
    if read_reg(dev, SUM) == 0:
        dev.again += 1
        tasklet_schedule(dev.scale)  # HERE for-ever: the two tasklets schedule each other
    else:
        dev.again = 0


def probe(dev):
    tasklet_setup(dev.scale, scaler_scale)
    tasklet_setup(dev.check, scaler_check)
    return request_irq(dev.irq, scaler_irq, 0, "scaler", dev)
