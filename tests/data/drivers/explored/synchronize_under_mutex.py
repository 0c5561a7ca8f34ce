"""A line is waited for with the mutex that its thread takes."""

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
function = "pause"
sleep = "1ms"
"""


def handler(irq, dev):
    return IRQ_WAKE_THREAD


def thread(irq, dev):
    mutex_lock(dev.bus)  # BUG order
    usleep_range(50, 60)
    mutex_unlock(dev.bus)
    return IRQ_HANDLED


def pause(dev):
    mutex_lock(dev.bus)
    synchronize_irq(dev.irq)
    mutex_unlock(dev.bus)


def probe(dev):
    mutex_init(dev.bus)
    return request_threaded_irq(dev.irq, handler, thread, IRQF_ONESHOT, "card", dev)
