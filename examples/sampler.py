"""A sampler that a timer drives: an hrtimer triggers a conversion each millisecond, the interrupt fetches what it gave."""

from tophalf.kernel import *

SCENARIO = """
title = "A converter that a timer starts"

[machine]
seconds = "100ms"

[[driver]]
name = "adc"
irq = 24
start = 0
data = 4
status = 8
depth = 1
latency = "20us"
"""

START, RESULT, STATUS = 0x0, 0x4, 0x8
DONE = 0x1
PERIOD_NS = 1000000


def sampler_tick(timer):
    dev = from_timer(timer)
    write_reg(dev, START, 1)
    hrtimer_forward_now(timer, PERIOD_NS)
    if dev.stopped:
        return HRTIMER_NORESTART
    return HRTIMER_RESTART


def sampler_irq(irq, dev):
    if not read_reg(dev, STATUS) & DONE:
        return IRQ_NONE
    write_reg(dev, STATUS, DONE)
    dev.sum += read_reg(dev, RESULT)
    dev.samples += 1
    return IRQ_HANDLED


def probe(dev):
    error = request_irq(dev.irq, sampler_irq, 0, "adc", dev)
    if error:
        return error
    hrtimer_setup(dev.timer, sampler_tick, CLOCK_MONOTONIC, HRTIMER_MODE_REL)
    hrtimer_start(dev.timer, PERIOD_NS, HRTIMER_MODE_REL)
    return 0


def remove(dev):
    dev.stopped = 1
    hrtimer_cancel(dev.timer)
    free_irq(dev.irq, dev)
