"""A NIC's receive queue: the top half reads the filter table, a work item writes it each time the ring has come round."""

from tophalf.kernel import *

SCENARIO = """
title = "A receive ring of 128 places"

[machine]
seconds = "100ms"

[[driver]]
name = "eth0"
irq = 24
produced = 8
consumed = 12
depth = 128
rate = 10000
arrivals = "poisson"
"""

CAUSE, PRODUCED, CONSUMED = 0x0, 0x8, 0xC
DEPTH = 128
BATCH = 32


def eth_irq(irq, dev):
    if read_reg(dev, PRODUCED) == dev.head:
        return IRQ_NONE
    read_lock(dev.table)
    for slot in range(BATCH):
        if read_reg(dev, PRODUCED) == dev.head:
            break
        spend(500)
        dev.head = (dev.head + 1) % DEPTH
        dev.packets += dev.filter_on + 1
        if dev.head == 0:
            schedule_work(dev.age)
    write_reg(dev, CONSUMED, dev.head)
    read_unlock(dev.table)
    return IRQ_HANDLED


def eth_age(work):
    dev = container_of(work)
    write_lock_bh(dev.table)  # HERE inconsistent-hardirq: the handler reads it
    dev.filter_on = 1 - dev.filter_on
    write_unlock_bh(dev.table)


def probe(dev):
    rwlock_init(dev.table)
    INIT_WORK(dev.age, eth_age)
    return request_irq(dev.irq, eth_irq, 0, "eth0-rx-0", dev)
