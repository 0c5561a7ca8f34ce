"""A network card with NAPI."""

from tophalf.kernel import *

STATUS, RX, MASK, RING = 0x0, 0x1, 0x4, 0x10


def eth_rx_one(eth):
    desc = read_reg(eth, RING)
    if not desc:
        return 0
    eth.packets += 1
    return 1


def eth_poll(napi, budget):
    eth = container_of(napi)
    done = 0
    for i in range(budget):
        if not eth_rx_one(eth):
            break
        done += 1
        if done % 16 == 0:
            cond_resched()  # HERE
    if done < budget:
        napi_complete_done(napi, done)
        write_reg(eth, MASK, RX)
    return done


def eth_irq(irq, dev):
    if not read_reg(dev, STATUS) & RX:
        return IRQ_NONE
    write_reg(dev, MASK, 0)
    write_reg(dev, STATUS, RX)
    napi_schedule(dev.napi)
    return IRQ_HANDLED


def probe(dev):
    netif_napi_add(dev.napi, eth_poll)
    napi_enable(dev.napi)
    return request_irq(dev.irq, eth_irq, IRQF_SHARED, "eth", dev)
