"""A network card: receive ring and statistics under locks of their own."""

from tophalf.kernel import *

STATUS, RX, RING = 0x0, 0x1, 0x4


def nic_irq(irq, dev):
    if not read_reg(dev, STATUS) & RX:
        return IRQ_NONE
    write_reg(dev, STATUS, RX)
    spin_lock(dev.rx)
    dev.head = read_reg(dev, RING)
    spin_lock(dev.stats)
    dev.packets += 1
    spin_unlock(dev.stats)
    spin_unlock(dev.rx)
    return IRQ_HANDLED


def nic_get_stats(dev, reset):
    spin_lock_irq(dev.rx)
    spin_lock(dev.stats)
    packets = dev.packets
    if reset:
        dev.packets = 0
        dev.head = 0
    spin_unlock(dev.stats)
    spin_unlock_irq(dev.rx)
    return packets


def probe(dev):
    spin_lock_init(dev.rx)
    spin_lock_init(dev.stats)
    dev.packets = 0
    dev.head = 0
    return request_irq(dev.irq, nic_irq, IRQF_SHARED, "nic", dev)
