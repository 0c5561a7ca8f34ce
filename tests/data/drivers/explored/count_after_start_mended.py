"""A converter that counts a conversion before it starts it: an end comes only after a start, however soon."""

from tophalf.kernel import *

SCENARIO = """
[machine]
cpus = 2
seconds = "10ms"

[[driver]]
name = "adc"
irq = 24
flow = "level"
start = 0
data = 4
status = 8
depth = 1
latency = "20us"

[[call]]
device = "adc"
function = "convert"
sleep = "1ms"
"""


def handler(irq, dev):
    spin_lock(dev.lock)
    dev.value = read_reg(dev, 4)
    dev.percent = 100 // dev.inflight
    dev.inflight -= 1
    spin_unlock(dev.lock)
    complete(dev.done)
    return IRQ_HANDLED


def convert(dev):
    mutex_lock(dev.bus)
    spin_lock_irq(dev.lock)
    dev.inflight += 1
    write_reg(dev, 0, 1)
    spin_unlock_irq(dev.lock)
    wait_for_completion(dev.done)
    mutex_unlock(dev.bus)
    return 0


def probe(dev):
    mutex_init(dev.bus)
    spin_lock_init(dev.lock)
    init_completion(dev.done)
    return request_irq(dev.irq, handler, IRQF_TRIGGER_HIGH, "adc", dev)
