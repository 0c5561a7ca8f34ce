"""Flags are given back a second time, when interrupts are on."""

from tophalf.kernel import *

SCENARIO = """
[machine]
cpus = 2
seconds = "10ms"

[[driver]]
name = "card"
irq = 24
rate = 1000

[[call]]
device = "card"
function = "read"
sleep = "1ms"
"""


def handler(irq, dev):
    return IRQ_HANDLED


def read(dev):
    flags = local_irq_save()
    dev.count += 1
    local_irq_restore(flags)
    local_irq_restore(flags)  # BUG flags


def probe(dev):
    return request_irq(dev.irq, handler, 0, "card", dev)
