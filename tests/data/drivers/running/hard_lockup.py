"""A thread and a handler share a lock; the thread takes it with interrupts on."""

from tophalf.kernel import *

SCENARIO = """
[machine]
cpus = 2
seconds = "25s"

[[driver]]
name = "card"
irq = 24
flow = "edge"
rate = 100
"""

STATUS, READY = 0x0, 0x1


def handler(irq, dev):
    write_reg(dev, STATUS, READY)
    spin_lock(dev.lock)  # RUN hard-lockup
    dev.count += 1
    spin_unlock(dev.lock)
    return IRQ_HANDLED


def work(dev):
    while not kthread_should_stop():
        spin_lock(dev.lock)  # RUN inconsistent-hardirq
        dev.count -= 1
        udelay(50)
        spin_unlock(dev.lock)
        usleep_range(1000, 2000)
    return 0


def probe(dev):
    spin_lock_init(dev.lock)
    kthread_run(work, dev, "worker")
    return request_irq(dev.irq, handler, 0, "card", dev)
