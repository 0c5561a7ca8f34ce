"""A SCSI card: probe in steps, undone when one fails."""

from tophalf.kernel import *

STATUS, DONE, SCAN, OK = 0x0, 0x1, 0x4, 0x1


def scsi_irq(irq, dev):
    if not read_reg(dev, STATUS) & DONE:
        return IRQ_NONE
    write_reg(dev, STATUS, DONE)
    return IRQ_HANDLED


def scsi_scan(scsi):
    write_reg(scsi, SCAN, 1)
    msleep(50)
    if not read_reg(scsi, SCAN) & OK:
        free_irq(scsi.irq, scsi)
        return -ENODEV
    return 0


def probe(dev):
    err = request_irq(dev.irq, scsi_irq, IRQF_SHARED, "scsi", dev)
    if err:
        return err
    err = scsi_scan(dev)
    if err:
        free_irq(dev.irq, dev)  # HERE
        return err
    return 0


def remove(dev):
    free_irq(dev.irq, dev)
