"""A sensor with a small ring of samples, read from user space."""

from tophalf.kernel import *

STATUS, READY, VALUE = 0x0, 0x1, 0x4


def sensor_irq(irq, dev):
    if not read_reg(dev, STATUS) & READY:
        return IRQ_NONE
    spin_lock(dev.lock)
    dev.head = (dev.head + 1) % 16
    dev.sample = read_reg(dev, VALUE)
    spin_unlock(dev.lock)
    write_reg(dev, STATUS, READY)
    return IRQ_HANDLED


def sensor_read(dev):
    err = 0
    flags = spin_lock_irqsave(dev.lock)
    if dev.head != dev.tail:
        err = copy_to_user(4)  # HERE
        dev.tail = dev.head
    spin_unlock_irqrestore(dev.lock, flags)
    return err


def probe(dev):
    spin_lock_init(dev.lock)
    dev.head = 0
    dev.tail = 0
    return request_irq(dev.irq, sensor_irq, IRQF_SHARED, "sensor", dev)


def remove(dev):
    free_irq(dev.irq, dev)
