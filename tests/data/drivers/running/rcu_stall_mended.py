"""A tasklet waits for a device that does not answer. Mended."""

from tophalf.kernel import *

SCENARIO = """
[machine]
cpus = 2
seconds = "26s"

[[driver]]
name = "card"
irq = 24
flow = "edge"
times = ["1ms"]
arrivals = "times"

[softirqs]
rcu_core = "500ns"

[[task]]
name = "app"
cpus = 1
sleep = "10ms"
run = "20us"
call_rcu = 3
"""

STATUS, READY, DONE = 0x0, 0x1, 0x2


def wait(t):
    dev = from_tasklet(t)
    tries = 0
    while tries < 2 and not read_reg(dev, STATUS) & DONE:
        udelay(1000)
        tries += 1
    dev.tries = tries


def handler(irq, dev):
    write_reg(dev, STATUS, READY)
    tasklet_schedule(dev.wait)
    return IRQ_HANDLED


def probe(dev):
    tasklet_setup(dev.wait, wait)
    return request_irq(dev.irq, handler, 0, "card", dev)
