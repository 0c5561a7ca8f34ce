"""A hub: at a change each port is looked at, 4 us each; a task finds ever more ports."""

from tophalf.kernel import *

SCENARIO = """
title = "A hub that grows by two ports each 20 ms, up to 40"

[machine]
seconds = "1s"

[[driver]]
name = "hub"
irq = 24
flow = "level"
rate = 200
"""

STATUS, PORT = 0x0, 0x4
CHANGED = 0x1
MOST = 40


def look(dev, port):
    write_reg(dev, PORT, port)
    udelay(4)
    dev.looks += 1


def hub_irq(irq, dev):
    if not read_reg(dev, STATUS) & CHANGED:
        return IRQ_NONE
    write_reg(dev, STATUS, CHANGED)
    return IRQ_WAKE_THREAD


def hub_look(irq, dev):
    port = 0
    while port < dev.ports:
        look(dev, port)
        port += 1
    return IRQ_HANDLED


def hub_find(dev):
    while not kthread_should_stop():
        msleep(20)
        if dev.ports < MOST:
            dev.ports += 2
    return 0


def probe(dev):
    dev.ports = 4
    dev.task = kthread_run(hub_find, dev, "hub-find")
    return request_threaded_irq(dev.irq, hub_irq, hub_look, 0, "hub", dev)
