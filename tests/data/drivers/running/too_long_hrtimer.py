"""An hrtimer that samples all channels of its device, in a hardirq."""

from tophalf.kernel import *

SCENARIO = """
[machine]
cpus = 2
seconds = "20ms"

[[driver]]
name = "card"
irq = 24
flow = "edge"
rate = 1
"""

STATUS, READY, PERIOD_NS = 0x0, 0x1, 1000000


def sample(timer):  # RUN too-long
    dev = from_timer(timer)
    for channel in range(4):
        udelay(30)
        dev.samples += 1
    hrtimer_forward_now(timer, PERIOD_NS)
    return HRTIMER_RESTART


def handler(irq, dev):
    write_reg(dev, STATUS, READY)
    return IRQ_HANDLED


def probe(dev):
    hrtimer_setup(dev.timer, sample, CLOCK_MONOTONIC, HRTIMER_MODE_REL)
    hrtimer_start(dev.timer, PERIOD_NS, HRTIMER_MODE_REL)
    return request_irq(dev.irq, handler, 0, "card", dev)
