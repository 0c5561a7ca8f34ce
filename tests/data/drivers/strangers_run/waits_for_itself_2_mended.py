"""A fan controller: delayed work polls it, and stops polling when the fan has not answered ten times."""

from tophalf.kernel import *

SCENARIO = """
title = "A fan that turns for 100 ms"

[machine]
seconds = "1s"

[[driver]]
name = "fan"
irq = 24
arrivals = "times"
times = ["5ms", "30ms", "55ms", "80ms", "100ms"]
"""

STATUS = 0x0
TURN = 0x1
PATIENCE = 10


def stop(dev):
    dev.stopped += 1
    cancel_delayed_work(dev.poll)


def fan_poll(work):
    dev = container_of(work)
    if dev.turns == dev.seen:
        dev.silent += 1
    else:
        dev.silent = 0
    dev.seen = dev.turns
    schedule_delayed_work(work, HZ // 50)
    if dev.silent == PATIENCE:
        stop(dev)


def fan_irq(irq, dev):
    if not read_reg(dev, STATUS) & TURN:
        return IRQ_NONE
    write_reg(dev, STATUS, TURN)
    dev.turns += 1
    return IRQ_HANDLED


def probe(dev):
    INIT_DELAYED_WORK(dev.poll, fan_poll)
    schedule_delayed_work(dev.poll, HZ // 50)
    return request_irq(dev.irq, fan_irq, 0, "fan", dev)
