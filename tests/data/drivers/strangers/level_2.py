"""A network PHY on a shared level line."""

from tophalf.kernel import *

STATUS, RX, LINK, ACK = 0x0, 0x1, 0x2, 0x4


def phy_rx(phy):
    phy.packets += 1
    write_reg(phy, ACK, RX)


def phy_link(phy):
    phy.link_changes += 1
    schedule_work(phy.link_work)


def phy_link_work(work):
    phy = container_of(work)
    msleep(10)
    phy.link_up = read_reg(phy, STATUS) & LINK


def phy_irq(irq, dev):
    status = read_reg(dev, STATUS)
    if status & RX:
        phy_rx(dev)
        return IRQ_HANDLED
    if status & LINK:
        phy_link(dev)
        return IRQ_HANDLED  # HERE
    return IRQ_NONE


def probe(dev):
    INIT_WORK(dev.link_work, phy_link_work)
    return request_irq(dev.irq, phy_irq, IRQF_SHARED | IRQF_TRIGGER_LOW, "phy", dev)
