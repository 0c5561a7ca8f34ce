"""A key that bounces: each edge puts the look at it off by 20 ms, so that one press is counted once."""

from tophalf.kernel import *

SCENARIO = """
title = "A key that is pressed, and bounces for 7 ms"

[machine]
seconds = "100ms"

[[driver]]
name = "key"
irq = 24
arrivals = "times"
times = ["10ms", "10.4ms", "11.1ms", "12.3ms", "12.9ms", "14.6ms", "15.8ms", "17ms"]
"""

LEVEL = 0x0
DEBOUNCE_MS = 20


def key_irq(irq, dev):
    mod_delayed_work(system_wq, dev.look, msecs_to_jiffies(DEBOUNCE_MS))
    return IRQ_HANDLED


def key_look(work):
    dev = container_of(work)
    pressed = read_reg(dev, LEVEL)
    if pressed != dev.pressed:
        dev.pressed = pressed
        dev.presses += pressed


def probe(dev):
    INIT_DELAYED_WORK(dev.look, key_look)
    return request_irq(dev.irq, key_irq, IRQF_TRIGGER_RISING | IRQF_TRIGGER_FALLING, "key", dev)


def remove(dev):
    free_irq(dev.irq, dev)  # first: it queues the work
    cancel_delayed_work_sync(dev.look)
