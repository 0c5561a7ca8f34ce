"""A USB host: BH work gives transfers back; the thread of its port line takes the same list when a device was pulled."""

from tophalf.kernel import *

SCENARIO = """
title = "A USB host on which every 40th event is a device that was pulled"

[machine]
seconds = "100ms"

[[driver]]
name = "usb"
irq = 24
flow = "level"
data = 4
depth = 8
rate = 1500
"""

STATUS, EVENT = 0x0, 0x4
READY = 0x1


def usb_irq(irq, dev):
    if not read_reg(dev, STATUS) & READY:
        return IRQ_NONE
    event = read_reg(dev, EVENT)
    dev.pending += 1
    queue_work(system_bh_wq, dev.giveback)
    if event % 40 == 0:
        return IRQ_WAKE_THREAD
    return IRQ_HANDLED


def usb_giveback(work):
    dev = container_of(work)
    spin_lock(dev.list)
    dev.given = dev.pending
    spend(1500)
    spin_unlock(dev.list)


def usb_pulled(irq, dev):
    msleep(2)
    spin_lock_bh(dev.list)
    dev.lost += dev.pending - dev.given
    spin_unlock_bh(dev.list)
    return IRQ_HANDLED


def probe(dev):
    spin_lock_init(dev.list)
    INIT_WORK(dev.giveback, usb_giveback)
    return request_threaded_irq(dev.irq, usb_irq, usb_pulled, 0, "usb", dev)
