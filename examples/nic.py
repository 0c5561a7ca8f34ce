"""A NIC with NAPI: the interrupt is masked while the poll takes packets, and comes again when the ring is empty."""

from tophalf.kernel import *

CAUSE, MASK, HEAD, DONE = 0x0, 0x4, 0x8, 0xC
RX = 0x1


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
        dev.tail += 1
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
    return request_irq(dev.irq, nic_irq, 0, "eth0-rx-0", dev)


def remove(dev):
    write_reg(dev, MASK, RX)
    napi_disable(dev.napi)
    free_irq(dev.irq, dev)
