"""An EEPROM: requests come one by one, and every eighth fills a page, which is written, and waited for."""

from tophalf.kernel import *

SCENARIO = """
title = "An EEPROM whose pages take 250 us"

[machine]
seconds = "200ms"

[[driver]]
name = "eeprom"
irq = 24
flow = "level"
start = 4
enable = 8
idle = 2
latency = "250us"
rate = 200
"""

STATUS, PAGE, ENABLE = 0x0, 0x4, 0x8
REQUEST, IDLE = 0x1, 0x2
TRIES = 100


def write_page(dev):
    write_reg(dev, PAGE, dev.page)
    for n in range(TRIES):
        if read_reg(dev, STATUS) & IDLE:
            return
        udelay(5)
    dev.timeouts += 1


def eeprom_irq(irq, dev):
    if not read_reg(dev, STATUS) & REQUEST:
        return IRQ_NONE
    write_reg(dev, STATUS, REQUEST)
    dev.page += 1
    if dev.page % 8 == 0:
        write_page(dev)
    return IRQ_HANDLED


def probe(dev):
    write_reg(dev, ENABLE, REQUEST)
    return request_threaded_irq(dev.irq, None, eeprom_irq, IRQF_ONESHOT, "eeprom", dev)
