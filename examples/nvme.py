"""A queue like NVMe's: completions are taken in the top half, submissions from tasks, both under the lock of the queue."""

from tophalf.kernel import *

SCENARIO = """
title = "A queue of 64 entries that eight units of the device work on"

[machine]
seconds = "20ms"

[[driver]]
name = "nvme0q1"
irq = 24
status = -1
doorbell = 0
consumed = 4
produced = 8
depth = 64
units = 8
latency = "exponential 80us"

[[call]]
device = "nvme0q1"
function = "submit"
name = "fio"
tasks = 4
run = "1us"
"""

SQ_DOORBELL, CQ_DOORBELL, CQ_TAIL = 0x0, 0x4, 0x8
DEPTH = 64


def nvme_irq(irq, dev):
    tail = read_reg(dev, CQ_TAIL)
    if tail == dev.cq_head:
        return IRQ_NONE
    spin_lock(dev.lock)
    done = (tail - dev.cq_head) % DEPTH
    dev.cq_head = tail
    full = dev.in_flight == DEPTH - 1
    dev.in_flight -= done
    dev.completed += done
    write_reg(dev, CQ_DOORBELL, tail)
    spin_unlock(dev.lock)
    if full:
        complete(dev.slot_free)  # who submits has waited for that
    return IRQ_HANDLED


def submit(dev):
    wait_for_completion(dev.slot_free)
    spin_lock_irq(dev.lock)
    dev.sq_tail = (dev.sq_tail + 1) % DEPTH
    dev.in_flight += 1
    write_reg(dev, SQ_DOORBELL, dev.sq_tail)
    full = dev.in_flight == DEPTH - 1
    spin_unlock_irq(dev.lock)
    if not full:
        complete(dev.slot_free)


def probe(dev):
    spin_lock_init(dev.lock)
    init_completion(dev.slot_free)
    complete(dev.slot_free)
    return request_irq(dev.irq, nvme_irq, 0, "nvme0q1", dev)


def remove(dev):
    free_irq(dev.irq, dev)
