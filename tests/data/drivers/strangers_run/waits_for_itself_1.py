"""A thermometer: the line's thread reads it, and switches the line off for a while when it is hot and keeps alarming."""

from tophalf.kernel import *

SCENARIO = """
title = "A thermometer that gets hot at the 30th alarm"

[machine]
seconds = "1s"

[[driver]]
name = "thermo"
irq = 24
flow = "level"
data = 4
depth = 2
rate = 200
"""

STATUS, VALUE = 0x0, 0x4
HOT = 30


def quiet(dev):
    if not dev.off:
        dev.off = 1
        disable_irq(dev.irq)  # HERE waits-for-itself: waits for the thread that calls it
        schedule_delayed_work(dev.again, HZ // 2)


def thermo_read(irq, dev):
    value = read_reg(dev, VALUE)
    usleep_range(200, 300)
    dev.value = value
    if value == HOT:
        quiet(dev)
    return IRQ_HANDLED


def thermo_again(work):
    dev = container_of(work)
    dev.off = 0
    enable_irq(dev.irq)


def probe(dev):
    INIT_DELAYED_WORK(dev.again, thermo_again)
    return request_threaded_irq(dev.irq, None, thermo_read, IRQF_ONESHOT, "thermo", dev)
