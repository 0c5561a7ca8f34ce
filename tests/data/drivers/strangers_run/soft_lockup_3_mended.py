"""A modem with firmware: a work item waits, looking all the time, until another one, on the CPU it names, has answered."""

from tophalf.kernel import *

SCENARIO = """
title = "A modem that answers on CPU 1"

[machine]
cpus = 2
seconds = "40s"

[[driver]]
name = "modem"
irq = 24
cpu = 0
arrivals = "times"
times = ["50ms", "150ms"]
"""

STATUS, WAKE = 0x0, 0x4
READY = 0x1
ASKING, ANSWERING = 1, 0


def modem_irq(irq, dev):
    if not read_reg(dev, STATUS) & READY:
        return IRQ_NONE
    write_reg(dev, STATUS, READY)
    dev.events += 1
    queue_work_on(ASKING, system_wq, dev.ask)
    return IRQ_HANDLED


def modem_ask(work):
    dev = container_of(work)
    dev.answered = 0
    write_reg(dev, WAKE, dev.events)
    queue_work_on(ANSWERING, system_wq, dev.answer)
    while not dev.answered:
        udelay(50)
    dev.asked += 1


def modem_answer(work):
    dev = container_of(work)
    spend(30000)
    dev.answered = 1


def probe(dev):
    INIT_WORK(dev.ask, modem_ask)
    INIT_WORK(dev.answer, modem_answer)
    return request_irq(dev.irq, modem_irq, 0, "modem", dev)
