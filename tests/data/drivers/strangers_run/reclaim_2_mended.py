"""A network block device: requests are sent by an ordered workqueue; every 25th has a key that must be made before."""

from tophalf.kernel import *

SCENARIO = """
title = "A network block device with 250 requests a second"

[machine]
seconds = "500ms"

[[driver]]
name = "nbd"
irq = 24
flow = "level"
data = 4
depth = 8
rate = 250
"""

STATUS, REQUEST, KEY = 0x0, 0x4, 0x8
READY = 0x1


def nbd_irq(irq, dev):
    if not read_reg(dev, STATUS) & READY:
        return IRQ_NONE
    dev.request = read_reg(dev, REQUEST)
    queue_work(dev.send_wq, dev.send)
    return IRQ_HANDLED


def nbd_key(work):
    dev = container_of(work)
    spend(100000)
    dev.keys += 1


def new_key(dev):
    queue_work(dev.crypt_wq, dev.key)
    flush_workqueue(dev.crypt_wq)
    write_reg(dev, KEY, dev.keys)


def nbd_send(work):
    dev = container_of(work)
    if dev.request % 25 == 0:
        new_key(dev)
    spend(20000)
    dev.sent += 1


def probe(dev):
    dev.send_wq = alloc_ordered_workqueue("nbd-send", WQ_MEM_RECLAIM)
    dev.crypt_wq = alloc_workqueue("nbd-crypt", WQ_UNBOUND | WQ_MEM_RECLAIM, 0)
    INIT_WORK(dev.send, nbd_send)
    INIT_WORK(dev.key, nbd_key)
    return request_irq(dev.irq, nbd_irq, 0, "nbd", dev)
