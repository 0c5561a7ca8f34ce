"""The count that is divided by is reset by the handler between the look and the use."""

from tophalf.kernel import *

SCENARIO = """
[machine]
cpus = 2
seconds = "10ms"

[[driver]]
name = "card"
irq = 24
rate = 100

[[call]]
device = "card"
function = "sample"
sleep = "1ms"
"""


def handler(irq, dev):
    dev.count = 0
    return IRQ_HANDLED


def sample(dev):
    dev.sum += 10
    dev.count += 1
    count = dev.count
    if count:
        dev.tries += 1
        dev.average = dev.sum // count


def probe(dev):
    return request_irq(dev.irq, handler, 0, "card", dev)
