"""A tasklet that schedules itself until the device is done, which it never is. Mended."""

from tophalf.kernel import *

SCENARIO = """
[machine]
cpus = 2
seconds = "100ms"

[[driver]]
name = "card"
irq = 24
flow = "edge"
arrivals = "times"
times = ["1ms"]
"""

STATUS, READY, DONE = 0x0, 0x1, 0x2


def again(dev):
    tasklet_schedule(dev.poll)


def poll(t):
    dev = from_tasklet(t)
    spend(500)
    dev.polls += 1
    if not read_reg(dev, STATUS) & DONE and dev.polls % 10:
        again(dev)


def handler(irq, dev):
    write_reg(dev, STATUS, READY)
    tasklet_schedule(dev.poll)
    return IRQ_HANDLED


def probe(dev):
    tasklet_setup(dev.poll, poll)
    return request_irq(dev.irq, handler, 0, "card", dev)
