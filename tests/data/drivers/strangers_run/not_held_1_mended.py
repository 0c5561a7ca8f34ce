"""A DMA engine: the top half counts what is left, and gives the channel back, without its lock, when nothing is."""

from tophalf.kernel import *

SCENARIO = """
title = "A DMA engine with transfers of 20 pieces"

[machine]
seconds = "100ms"

[[driver]]
name = "dma"
irq = 24
flow = "level"
rate = 1000
"""

STATUS = 0x0
DONE = 0x1
PIECES = 20


def give_back(dev):
    spin_unlock(dev.lock)
    dev.left = PIECES
    dev.transfers += 1
    complete(dev.idle)
    spin_lock(dev.lock)


def dma_irq(irq, dev):
    if not read_reg(dev, STATUS) & DONE:
        return IRQ_NONE
    write_reg(dev, STATUS, DONE)
    spin_lock(dev.lock)
    dev.left -= 1
    if dev.left == 0:
        give_back(dev)
    spin_unlock(dev.lock)
    return IRQ_HANDLED


def dma_user(dev):
    while not kthread_should_stop():
        wait_for_completion(dev.idle)
        dev.used += 1
    return 0


def probe(dev):
    spin_lock_init(dev.lock)
    init_completion(dev.idle)
    dev.left = PIECES
    dev.task = kthread_run(dma_user, dev, "dma-user")
    return request_irq(dev.irq, dma_irq, 0, "dma", dev)
