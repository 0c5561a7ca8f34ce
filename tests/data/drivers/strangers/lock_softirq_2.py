"""A network card with a filter table."""

from tophalf.kernel import *

STATUS, RX, RING, FILTER = 0x0, 0x1, 0x4, 0x20


def filter_passes(nic, packet):
    read_lock(nic.filters)
    passes = packet & nic.mask
    read_unlock(nic.filters)
    return passes


def nic_poll(napi, budget):
    nic = container_of(napi)
    done = 0
    for i in range(budget):
        packet = read_reg(nic, RING)
        if not packet:
            break
        if filter_passes(nic, packet):
            nic.packets += 1
        done += 1
    if done < budget:
        napi_complete_done(napi, done)
    return done


def nic_set_filter(dev, mask):
    write_lock(dev.filters)  # HERE
    dev.mask = mask
    write_unlock(dev.filters)


def nic_irq(irq, dev):
    write_reg(dev, STATUS, RX)
    napi_schedule(dev.napi)
    return IRQ_HANDLED


def probe(dev):
    rwlock_init(dev.filters)
    netif_napi_add(dev.napi, nic_poll)
    napi_enable(dev.napi)
    return request_irq(dev.irq, nic_irq, 0, "nic", dev)
