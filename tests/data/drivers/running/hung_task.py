"""Two threads take two mutexes in different orders."""

from tophalf.kernel import *

SCENARIO = """
[machine]
cpus = 2
seconds = "241s"

[[driver]]
name = "card"
irq = 24
flow = "edge"
rate = 1
"""

STATUS, READY = 0x0, 0x1


def receive(dev):
    mutex_lock(dev.rx)
    usleep_range(100, 200)
    mutex_lock(dev.tx)  # RUN hung-task order
    dev.moved += 1
    mutex_unlock(dev.tx)
    mutex_unlock(dev.rx)
    return 0


def send(dev):
    mutex_lock(dev.tx)
    usleep_range(100, 200)
    mutex_lock(dev.rx)  # RUN hung-task
    dev.moved += 1
    mutex_unlock(dev.rx)
    mutex_unlock(dev.tx)
    return 0


def handler(irq, dev):
    write_reg(dev, STATUS, READY)
    return IRQ_HANDLED


def probe(dev):
    mutex_init(dev.rx)
    mutex_init(dev.tx)
    kthread_run(receive, dev, "receive")
    kthread_run(send, dev, "send")
    return request_irq(dev.irq, handler, 0, "card", dev)
