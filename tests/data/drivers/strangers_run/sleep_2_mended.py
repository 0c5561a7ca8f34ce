"""A watchdog: a timer looks whether pings still come, and pulses the reset line when five looks in a row saw none."""

from tophalf.kernel import *

SCENARIO = """
title = "Pings that stop after 60 ms"

[machine]
seconds = "600ms"

[[driver]]
name = "watchdog"
irq = 24
arrivals = "times"
times = ["5ms", "20ms", "35ms", "50ms", "60ms"]
"""

STATUS, RESET = 0x0, 0x4
PING = 0x1
PATIENCE = 5


def pulse(dev):
    write_reg(dev, RESET, 1)
    udelay(20)
    write_reg(dev, RESET, 0)


def watch(timer):
    dev = from_timer(timer)
    if dev.pings == dev.seen:
        dev.missed += 1
    else:
        dev.missed = 0
    dev.seen = dev.pings
    if dev.missed == PATIENCE:
        dev.resets += 1
        pulse(dev)
    mod_timer(timer, jiffies + HZ // 25)


def ping_irq(irq, dev):
    if not read_reg(dev, STATUS) & PING:
        return IRQ_NONE
    write_reg(dev, STATUS, PING)
    dev.pings += 1
    return IRQ_HANDLED


def probe(dev):
    timer_setup(dev.timer, watch, 0)
    mod_timer(dev.timer, jiffies + HZ // 25)
    return request_irq(dev.irq, ping_irq, 0, "watchdog", dev)
