"""A tasklet that takes one entry a run and comes again while there are more: it ends with the burst."""

from tophalf.kernel import *

SCENARIO = """
[machine]
cpus = 2
seconds = "30ms"

[[driver]]
name = "dev"
irq = 24
rate = 10000000
arrivals = "bursts"
burst = 12000
gap = "25ms"
produced = 8
consumed = 12
depth = 16384
"""


def handler(irq, dev):
    tasklet_schedule(dev.t)
    return IRQ_HANDLED


def bottom(tasklet):
    dev = from_tasklet(tasklet)
    if read_reg(dev, 8) != dev.next:
        spend(200)
        dev.next = (dev.next + 1) % 16384
        write_reg(dev, 12, dev.next)
        tasklet_schedule(tasklet)


def probe(dev):
    tasklet_setup(dev.t, bottom)
    return request_irq(dev.irq, handler, 0, "dev", dev)
