"""A disk: a failed command is followed by a reset in the handler."""

from tophalf.kernel import *

STATUS, DONE, ERROR, CTRL, RESET = 0x0, 0x1, 0x2, 0x4, 0x1


def disk_reset(disk):
    write_reg(disk, CTRL, RESET)
    mdelay(1)  # HERE
    write_reg(disk, CTRL, 0)
    disk.resets += 1


def disk_irq(irq, dev):
    status = read_reg(dev, STATUS)
    if not status & (DONE | ERROR):
        return IRQ_NONE
    write_reg(dev, STATUS, status)
    if status & ERROR:
        disk_reset(dev)
    else:
        dev.done += 1
    return IRQ_HANDLED


def probe(dev):
    dev.done = 0
    dev.resets = 0
    disk_reset(dev)
    return request_irq(dev.irq, disk_irq, IRQF_SHARED, "disk", dev)
