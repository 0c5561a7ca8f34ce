"""A counter card: a task takes 28,000 samples, a millisecond each, without being disturbed, once three pulses have come."""

from tophalf.kernel import *

SCENARIO = """
title = "A measurement of 28 s"

[machine]
cpus = 2
seconds = "50s"

[softirqs]
rcu_core = "1us"

[[task]]
name = "app"
run = "1ms"
call_rcu = 1
sleep = "20ms"

[[driver]]
name = "counter"
irq = 24
arrivals = "times"
times = ["100ms", "200ms", "300ms"]
"""

STATUS, COUNT = 0x0, 0x4
PULSE = 0x1
WANTED = 28000


def counter_irq(irq, dev):
    if not read_reg(dev, STATUS) & PULSE:
        return IRQ_NONE
    write_reg(dev, STATUS, PULSE)
    dev.pulses += 1
    return IRQ_HANDLED


def measure(dev):
    while dev.samples < WANTED:
        dev.sum += read_reg(dev, COUNT)
        dev.samples += 1
        msleep(1)


def counter_task(dev):
    while not kthread_should_stop():
        msleep(100)
        if dev.pulses == 3:
            measure(dev)
    return 0


def probe(dev):
    dev.task = kthread_run(counter_task, dev, "counter")
    return request_irq(dev.irq, counter_irq, 0, "counter", dev)
