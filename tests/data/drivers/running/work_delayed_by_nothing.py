"""A delayed work that queues itself until the device is done, with a delay that nobody has set."""

from tophalf.kernel import *

SCENARIO = """
[machine]
cpus = 2
seconds = "3s"

[[driver]]
name = "card"
irq = 24
flow = "edge"
arrivals = "times"
times = ["1ms"]
"""

STATUS, READY, DONE = 0x0, 0x1, 0x2


def poll(work):
    dev = container_of(work)
    usleep_range(900, 1000)
    dev.polls += 1
    if not read_reg(dev, STATUS) & DONE:
        schedule_delayed_work(dev.poll, dev.delay)  # RUN for-ever


def handler(irq, dev):
    write_reg(dev, STATUS, READY)
    schedule_delayed_work(dev.poll, 0)
    return IRQ_HANDLED


def probe(dev):
    INIT_DELAYED_WORK(dev.poll, poll)
    return request_irq(dev.irq, handler, 0, "card", dev)
