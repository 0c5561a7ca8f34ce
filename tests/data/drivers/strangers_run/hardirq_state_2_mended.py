"""A converter: an hrtimer starts a conversion each 500 us, the thread of the line takes it, and calibrates now and then."""

from tophalf.kernel import *

SCENARIO = """
title = "A converter that is calibrated after 32 samples"

[machine]
seconds = "100ms"

[[driver]]
name = "adc"
irq = 24
flow = "level"
start = 0
data = 4
status = 8
depth = 4
latency = "20us"
"""

START, RESULT, STATUS, GAIN = 0x0, 0x4, 0x8, 0xC
DONE = 0x1
PERIOD_NS = 500000


def adc_tick(timer):
    dev = from_timer(timer)
    spin_lock(dev.lock)
    write_reg(dev, START, 1)
    dev.started += 1
    spin_unlock(dev.lock)
    hrtimer_forward_now(timer, PERIOD_NS)
    return HRTIMER_RESTART


def calibrate(dev):
    spin_lock_irq(dev.lock)
    write_reg(dev, GAIN, dev.sum // 32)
    dev.sum = 0
    spin_unlock_irq(dev.lock)


def adc_take(irq, dev):
    if not read_reg(dev, STATUS) & DONE:
        return IRQ_NONE
    sample = read_reg(dev, RESULT)
    dev.sum += sample
    if sample % 32 == 0:
        calibrate(dev)
    return IRQ_HANDLED


def probe(dev):
    spin_lock_init(dev.lock)
    hrtimer_setup(dev.timer, adc_tick, CLOCK_MONOTONIC, HRTIMER_MODE_REL)
    hrtimer_start(dev.timer, PERIOD_NS, HRTIMER_MODE_REL)
    return request_threaded_irq(dev.irq, None, adc_take, IRQF_ONESHOT, "adc", dev)
