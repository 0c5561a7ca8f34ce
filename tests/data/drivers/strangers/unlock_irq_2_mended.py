"""A disk controller: completions in the handler."""

from tophalf.kernel import *

STATUS, DONE, ERROR, NEXT = 0x0, 0x1, 0x2, 0x8


def disk_retry(disk):
    spin_lock(disk.queue)
    disk.retries += 1
    write_reg(disk, NEXT, disk.current)
    spin_unlock(disk.queue)


def disk_complete(disk):
    spin_lock(disk.queue)
    disk.current += 1
    spin_unlock(disk.queue)


def disk_irq(irq, dev):
    status = read_reg(dev, STATUS)
    if not status & (DONE | ERROR):
        return IRQ_NONE
    write_reg(dev, STATUS, status)
    if status & ERROR:
        disk_retry(dev)
    else:
        disk_complete(dev)
    return IRQ_HANDLED


def probe(dev):
    spin_lock_init(dev.queue)
    dev.current = 0
    return request_irq(dev.irq, disk_irq, IRQF_SHARED, "disk", dev)
