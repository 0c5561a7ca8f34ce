"""A NIC with NAPI: the interrupt is masked while the poll takes packets, and comes again when the ring is empty."""

from tophalf.kernel import *

SCENARIO = """
title = "Packets that are polled while they come"

[machine]
seconds = "50ms"

[[driver]]
name = "eth0"
irq = 24
mask = 4
produced = 8
consumed = 12
depth = 256
rate = "200k"
arrivals = "poisson"
"""

CAUSE, MASK, HEAD, DONE = 0x0, 0x4, 0x8, 0xC
RX = 0x1
RING = 256


def nic_irq(irq, dev):
    if not read_reg(dev, CAUSE) & RX:
        return IRQ_NONE
    write_reg(dev, MASK, RX)  # until the poll is complete
    napi_schedule(dev.napi)
    return IRQ_HANDLED


def nic_poll(napi, budget):
    dev = container_of(napi)
    work = 0
    while work < budget and read_reg(dev, HEAD) != dev.tail:
        dev.tail = (dev.tail + 1) % RING
        dev.packets += 1
        spend(300)
        work += 1
    write_reg(dev, DONE, dev.tail)
    if work < budget and napi_complete_done(napi, work):
        write_reg(dev, MASK, 0)
    return work


def probe(dev):
    netif_napi_add(dev.napi, nic_poll)
    napi_enable(dev.napi)
    error = request_irq(dev.irq, nic_irq, 0, "eth0-rx-0", dev)
    if not error:
        write_reg(dev, MASK, 0)
    return error


def remove(dev):
    write_reg(dev, MASK, RX)
    napi_disable(dev.napi)
    free_irq(dev.irq, dev)
