"""The port of tasklet_user.py to BH work (6.9): the same softirq context, as a work item that can be flushed and cancelled."""

from tophalf.kernel import *

SCENARIO = """
title = "A card whose work a BH work item does"

[machine]
seconds = "200ms"

[[driver]]
name = "card"
irq = 24
flow = "level"
rate = 5000
arrivals = "poisson"
"""

STATUS, DATA = 0x0, 0x4
READY = 0x1


def card_irq(irq, dev):
    if not read_reg(dev, STATUS) & READY:
        return IRQ_NONE
    spin_lock(dev.lock)
    dev.pending += read_reg(dev, DATA)
    write_reg(dev, STATUS, READY)
    spin_unlock(dev.lock)
    queue_work(system_bh_wq, dev.later)
    return IRQ_HANDLED


def card_later(work):
    dev = container_of(work)
    spin_lock_irq(dev.lock)
    left = dev.pending
    dev.pending = 0
    spin_unlock_irq(dev.lock)
    while left > 0:
        spend(2000)
        dev.done += 1
        left -= 1


def probe(dev):
    spin_lock_init(dev.lock)
    write_reg(dev, DATA, 3)  # units that each interrupt brings
    INIT_WORK(dev.later, card_later)
    return request_irq(dev.irq, card_irq, IRQF_SHARED, "card", dev)


def remove(dev):
    free_irq(dev.irq, dev)
    cancel_work_sync(dev.later)
