"""A network card: remove stops it."""

from tophalf.kernel import *

STATUS, RX, CTRL = 0x0, 0x1, 0x4


def nic_irq(irq, dev):
    if not read_reg(dev, STATUS) & RX:
        return IRQ_NONE
    write_reg(dev, STATUS, RX)
    dev.packets += 1
    return IRQ_HANDLED


def nic_quiesce(nic):
    write_reg(nic, CTRL, 0)
    disable_irq(nic.irq)
    nic.up = 0


def suspend(dev):
    nic_quiesce(dev)


def remove(dev):
    nic_quiesce(dev)
    free_irq(dev.irq, dev)


def probe(dev):
    dev.packets = 0
    dev.up = 1
    return request_irq(dev.irq, nic_irq, 0, "nic", dev)
