"""A disk: write-back runs on a workqueue with a rescuer, and waits for the log's work when ten entries are open."""

from tophalf.kernel import *

SCENARIO = """
title = "A disk whose log is full now and then"

[machine]
seconds = "500ms"

[[driver]]
name = "disk"
irq = 24
flow = "level"
rate = 200
"""

STATUS = 0x0
DONE = 0x1


def disk_irq(irq, dev):
    if not read_reg(dev, STATUS) & DONE:
        return IRQ_NONE
    write_reg(dev, STATUS, DONE)
    queue_work(dev.writeback_wq, dev.writeback)
    return IRQ_HANDLED


def disk_log(work):
    dev = container_of(work)
    usleep_range(300, 400)
    dev.open = 0
    dev.logs += 1


def disk_writeback(work):
    dev = container_of(work)
    dev.open += 1
    if dev.open == 10:
        queue_work(dev.log_wq, dev.log)
        flush_work(dev.log)  # HERE reclaim: the log's workqueue has no rescuer
    dev.written += 1


def probe(dev):
    dev.writeback_wq = alloc_workqueue("disk-writeback", WQ_MEM_RECLAIM, 0)
    dev.log_wq = alloc_workqueue("disk-log", 0, 0)
    if not dev.writeback_wq or not dev.log_wq:
        return -ENOMEM
    INIT_WORK(dev.writeback, disk_writeback)
    INIT_WORK(dev.log, disk_log)
    return request_irq(dev.irq, disk_irq, 0, "disk", dev)
