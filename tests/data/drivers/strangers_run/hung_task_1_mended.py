"""A smart card: a task sends commands and waits for their answers; the top half takes answers, and the seventh is garbled."""

from tophalf.kernel import *

SCENARIO = """
title = "A smart card whose seventh answer is garbled"

[machine]
seconds = "300s"

[[driver]]
name = "card"
irq = 24
start = 4
data = 8
depth = 4
latency = "20ms"
"""

STATUS, COMMAND, ANSWER = 0x0, 0x4, 0x8
READY = 0x1


def card_irq(irq, dev):
    if not read_reg(dev, STATUS) & READY:
        return IRQ_NONE
    answer = read_reg(dev, ANSWER)
    if answer == 7:
        dev.garbled += 1
        complete(dev.answered)
        return IRQ_HANDLED
    dev.answer = answer
    complete(dev.answered)
    return IRQ_HANDLED


def command(dev):
    write_reg(dev, COMMAND, 1)
    wait_for_completion(dev.answered)


def card_task(dev):
    while not kthread_should_stop():
        command(dev)
        dev.commands += 1
        msleep(500)
    return 0


def probe(dev):
    init_completion(dev.answered)
    dev.task = kthread_run(card_task, dev, "card")
    return request_irq(dev.irq, card_irq, 0, "card", dev)
