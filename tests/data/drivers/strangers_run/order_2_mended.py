"""A radio modem: the line's thread echoes what comes in, a task throttles the sender when it is far ahead."""

from tophalf.kernel import *

SCENARIO = """
title = "A modem that is throttled"

[machine]
seconds = "200ms"

[[driver]]
name = "radio"
irq = 24
flow = "level"
rate = 1000
"""

STATUS, FLOW = 0x0, 0x4
READY = 0x1


def echo(dev):
    spin_lock(dev.tx)
    dev.to_send += 1
    spin_unlock(dev.tx)


def radio_take(irq, dev):
    write_reg(dev, STATUS, READY)
    spin_lock(dev.rx)
    dev.received += 1
    echo(dev)
    spin_unlock(dev.rx)
    return IRQ_HANDLED


def throttle(dev):
    spin_lock(dev.rx)
    write_reg(dev, FLOW, dev.received)
    spin_unlock(dev.rx)


def radio_send(dev):
    while not kthread_should_stop():
        msleep(4)
        spin_lock(dev.tx)
        if dev.to_send > 0:
            dev.to_send -= 1
            dev.sent += 1
        late = dev.to_send > 50
        spin_unlock(dev.tx)
        if late:
            throttle(dev)
    return 0


def probe(dev):
    spin_lock_init(dev.rx)
    spin_lock_init(dev.tx)
    dev.task = kthread_run(radio_send, dev, "radio-send")
    return request_threaded_irq(dev.irq, None, radio_take, IRQF_ONESHOT, "radio", dev)
