"""A tape drive: a work item moves blocks from the drive's FIFO, with preemption off while per-CPU counts are changed."""

from tophalf.kernel import *

SCENARIO = """
title = "A tape drive with a filemark at the 30th block"

[machine]
seconds = "200ms"

[[driver]]
name = "tape"
irq = 24
flow = "level"
data = 4
depth = 4
rate = 300
"""

STATUS, BLOCK = 0x0, 0x4
READY = 0x1
FILEMARK = 30


def tape_irq(irq, dev):
    if not read_reg(dev, STATUS) & READY:
        return IRQ_NONE
    dev.block = read_reg(dev, BLOCK)
    queue_work(dev.wq, dev.move)
    return IRQ_HANDLED


def count_block(dev):
    preempt_disable()
    this_cpu_inc(dev.blocks)
    if dev.block % FILEMARK == 0:
        dev.filemarks += 1
        return  # HERE preempt-at-end: with preemption still off
    preempt_enable()


def tape_move(work):
    dev = container_of(work)
    spend(50000)
    count_block(dev)


def probe(dev):
    dev.wq = alloc_ordered_workqueue("tape", 0)
    if not dev.wq:
        return -ENOMEM
    INIT_WORK(dev.move, tape_move)
    return request_irq(dev.irq, tape_irq, 0, "tape", dev)
