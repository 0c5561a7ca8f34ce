"""A printer: a task sends what was queued, eight at a time under the lock, and lets others run in between."""

from tophalf.kernel import *

SCENARIO = """
title = "A printer that is polled each 8 ms"

[machine]
seconds = "2s"

[[driver]]
name = "printer"
irq = 24
rate = 900
arrivals = "poisson"
"""

STATUS, OUT = 0x0, 0x4
READY = 0x1


def printer_irq(irq, dev):
    if not read_reg(dev, STATUS) & READY:
        return IRQ_NONE
    write_reg(dev, STATUS, READY)
    spin_lock(dev.lock)
    dev.queued += 1
    spin_unlock(dev.lock)
    return IRQ_HANDLED


def send_all(dev):
    spin_lock_irq(dev.lock)
    while dev.queued > 0:
        write_reg(dev, OUT, dev.queued)
        dev.queued -= 1
        dev.sent += 1
        if dev.sent % 8 == 0:
            spin_unlock_irq(dev.lock)
            cond_resched()
            spin_lock_irq(dev.lock)
    spin_unlock_irq(dev.lock)


def print_task(dev):
    while not kthread_should_stop():
        msleep(8)
        send_all(dev)
    return 0


def probe(dev):
    spin_lock_init(dev.lock)
    dev.task = kthread_run(print_task, dev, "printer")
    return request_irq(dev.irq, printer_irq, 0, "printer", dev)
