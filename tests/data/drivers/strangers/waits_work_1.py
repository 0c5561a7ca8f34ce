"""A NIC whose reset work gives up when the card does not come back."""

from tophalf.kernel import *

CTRL, STATUS, ALIVE = 0x0, 0x4, 0x1


def nic_stop(nic):
    nic.up = 0
    write_reg(nic, CTRL, 0)
    cancel_work_sync(nic.reset)  # HERE


def nic_reset(work):
    nic = container_of(work)
    write_reg(nic, CTRL, 1)
    msleep(20)
    if not read_reg(nic, STATUS) & ALIVE:
        nic_stop(nic)
        return
    nic.up = 1


def nic_irq(irq, dev):
    if read_reg(dev, STATUS) & ALIVE:
        return IRQ_NONE
    write_reg(dev, STATUS, 0)
    schedule_work(dev.reset)
    return IRQ_HANDLED


def probe(dev):
    dev.up = 0
    INIT_WORK(dev.reset, nic_reset)
    return request_irq(dev.irq, nic_irq, IRQF_SHARED, "nic", dev)


def remove(dev):
    free_irq(dev.irq, dev)
    nic_stop(dev)
