"""A work is waited for with the mutex that it takes."""

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
function = "reset"
sleep = "1ms"
"""


def work(w):
    dev = container_of(w)
    mutex_lock(dev.bus)  # BUG order
    dev.done += 1
    mutex_unlock(dev.bus)


def reset(dev):
    mutex_lock(dev.bus)
    flush_work(dev.work)
    dev.done = 0
    mutex_unlock(dev.bus)


def handler(irq, dev):
    schedule_work(dev.work)
    return IRQ_HANDLED


def probe(dev):
    mutex_init(dev.bus)
    INIT_WORK(dev.work, work)
    return request_irq(dev.irq, handler, 0, "card", dev)
