"""A scanner: a work item moves what a line of the picture has left, in pieces of eight, with interrupts off."""

from tophalf.kernel import *

SCENARIO = """
title = "A scanner whose lines are longer each time"

[machine]
cpus = 2
seconds = "15s"

[[driver]]
name = "scanner"
irq = 24
cpu = 0
arrivals = "times"
times = ["10ms", "20ms", "30ms"]
"""

STATUS, PIECE = 0x0, 0x4
LINE = 0x1
PIECES = 8


def scanner_irq(irq, dev):
    if not read_reg(dev, STATUS) & LINE:
        return IRQ_NONE
    write_reg(dev, STATUS, LINE)
    dev.length += 32
    if dev.length == 96:
        dev.length = 100
    schedule_work(dev.move)
    return IRQ_HANDLED


def scanner_move(work):
    dev = container_of(work)
    left = dev.length
    local_irq_disable()
    while left != 0:
        write_reg(dev, PIECE, PIECES)
        udelay(5)  # HERE hard-lockup: 100 is no multiple of eight, and left is never 0
        left -= PIECES
    local_irq_enable()
    dev.lines += 1


def probe(dev):
    INIT_WORK(dev.move, scanner_move)
    return request_irq(dev.irq, scanner_irq, 0, "scanner", dev)
