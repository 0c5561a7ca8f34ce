"""A pressure sensor on a slow bus, on a shared line."""

from tophalf.kernel import *

STATUS, READY, VALUE = 0x0, 0x1, 0x4


def pressure_irq(irq, dev):
    if not read_reg(dev, STATUS) & READY:
        return IRQ_NONE
    dev.stamp = ktime_get()
    write_reg(dev, STATUS, READY)
    return IRQ_WAKE_THREAD


def pressure_thread(irq, dev):
    mutex_lock(dev.bus)
    usleep_range(100, 150)
    dev.value = read_reg(dev, VALUE)
    mutex_unlock(dev.bus)
    return IRQ_HANDLED


def probe(dev):
    mutex_init(dev.bus)
    return request_threaded_irq(dev.irq, pressure_irq, pressure_thread, IRQF_SHARED | IRQF_ONESHOT, "pressure", dev)
