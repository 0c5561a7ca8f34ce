"""A LoRa radio: delayed work sends what waits, and looks again when the radio has no credits left."""

from tophalf.kernel import *

SCENARIO = """
title = "A radio with twenty credits and a packet each 10 ms"

[machine]
seconds = "1s"

[[driver]]
name = "lora"
irq = 24
rate = 100
"""

STATUS, OUT = 0x0, 0x4
READY = 0x1


def lora_irq(irq, dev):
    if not read_reg(dev, STATUS) & READY:
        return IRQ_NONE
    write_reg(dev, STATUS, READY)
    dev.waiting += 1
    schedule_delayed_work(dev.send, 0)
    return IRQ_HANDLED


def lora_send(work):
    dev = container_of(work)
    spend(5000)
    if dev.credits == 0:
        dev.looks += 1
        schedule_delayed_work(work, HZ // 10)
        return
    write_reg(dev, OUT, dev.waiting)
    dev.credits -= 1
    dev.waiting = 0


def probe(dev):
    dev.credits = 20
    INIT_DELAYED_WORK(dev.send, lora_send)
    return request_irq(dev.irq, lora_irq, 0, "lora", dev)
