"""A thread that copies for minutes without ever letting anybody else run. Mended."""

from tophalf.kernel import *

SCENARIO = """
[machine]
cpus = 2
seconds = "30s"

[[driver]]
name = "card"
irq = 24
flow = "edge"
rate = 100
"""

STATUS, READY = 0x0, 0x1


def copy(dev):
    for block in range(30000):
        udelay(1000)
        cond_resched()
        dev.copied += 1


def writer(dev):
    copy(dev)
    return 0


def handler(irq, dev):
    write_reg(dev, STATUS, READY)
    return IRQ_HANDLED


def probe(dev):
    kthread_run(writer, dev, "writer")
    return request_irq(dev.irq, handler, 0, "card", dev)
