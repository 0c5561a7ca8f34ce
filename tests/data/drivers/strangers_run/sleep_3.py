"""A disk with a queue: a task submits requests, and waits for a slot when as many as allowed are in flight."""

from tophalf.kernel import *

SCENARIO = """
title = "A disk that serves two requests at a time"

[machine]
seconds = "50ms"

[[driver]]
name = "disk"
irq = 24
status = -1
doorbell = 0
consumed = 4
produced = 8
depth = 64
units = 2
latency = "80us"
"""

DOORBELL, CONSUMED, PRODUCED = 0x0, 0x4, 0x8
DEPTH = 64
LIMIT = 8


def disk_irq(irq, dev):
    tail = read_reg(dev, PRODUCED)
    if tail == dev.head:
        return IRQ_NONE
    spin_lock(dev.lock)
    dev.in_flight -= (tail - dev.head) % DEPTH
    dev.head = tail
    write_reg(dev, CONSUMED, tail)
    spin_unlock(dev.lock)
    complete(dev.slot)
    return IRQ_HANDLED


def disk_writer(dev):
    while not kthread_should_stop():
        spend(3000)
        spin_lock_irq(dev.lock)
        while dev.in_flight == LIMIT:
            wait_for_completion(dev.slot)  # HERE sleep: the queue is full, and the lock is held
        dev.in_flight += 1
        dev.tail = (dev.tail + 1) % DEPTH
        write_reg(dev, DOORBELL, dev.tail)
        spin_unlock_irq(dev.lock)
    return 0


def probe(dev):
    spin_lock_init(dev.lock)
    init_completion(dev.slot)
    dev.task = kthread_run(disk_writer, dev, "disk-writer")
    return request_irq(dev.irq, disk_irq, 0, "disk", dev)
