"""A logger: a work item writes the whole memory of a probe, 30,000 blocks, to its store, each block checked twice."""

from tophalf.kernel import *

SCENARIO = """
title = "A logger that writes for 30 s"

[machine]
cpus = 2
seconds = "50s"

[softirqs]
rcu_core = "1us"

[[task]]
name = "app"
run = "500us"
call_rcu = 2
sleep = "50ms"

[[driver]]
name = "logger"
irq = 24
cpu = 0
arrivals = "times"
times = ["200ms"]
"""

STATUS, BLOCK = 0x0, 0x4
FULL = 0x1
BLOCKS = 30000


def logger_irq(irq, dev):
    if not read_reg(dev, STATUS) & FULL:
        return IRQ_NONE
    write_reg(dev, STATUS, FULL)
    queue_work(dev.wq, dev.dump)
    return IRQ_HANDLED


def check(dev, block):
    write_reg(dev, BLOCK, block)
    spend(500000)


def logger_dump(work):
    dev = container_of(work)
    for block in range(BLOCKS):
        check(dev, block)
        check(dev, block)
        dev.blocks += 1
        cond_resched()


def probe(dev):
    dev.wq = alloc_workqueue("logger", WQ_CPU_INTENSIVE, 0)
    INIT_WORK(dev.dump, logger_dump)
    return request_irq(dev.irq, logger_irq, 0, "logger", dev)
