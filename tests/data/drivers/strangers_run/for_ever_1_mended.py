"""A DSP: a tasklet hands it commands, and comes again as long as the DSP says that it is busy."""

from tophalf.kernel import *

SCENARIO = """
title = "A DSP that stays busy from the tenth command on"

[machine]
seconds = "1s"

[[driver]]
name = "dsp"
irq = 24
rate = 100
"""

STATUS, STATE = 0x0, 0x4
READY, BUSY = 0x1, 0x1
TRIES = 8


def dsp_irq(irq, dev):
    write_reg(dev, STATUS, READY)
    dev.commands += 1
    if dev.commands == 10:
        write_reg(dev, STATE, BUSY)
    tasklet_schedule(dev.feed)
    return IRQ_HANDLED


def dsp_feed(tasklet):
    dev = from_tasklet(tasklet)
    spend(2000)
    dev.tries += 1
    if read_reg(dev, STATE) & BUSY and dev.tries < TRIES:
        tasklet_schedule(tasklet)
    else:
        dev.tries = 0
        dev.fed += 1


def probe(dev):
    tasklet_setup(dev.feed, dsp_feed)
    return request_irq(dev.irq, dsp_irq, 0, "dsp", dev)
