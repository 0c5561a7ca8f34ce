"""A fuel gauge: everything in the thread."""

from tophalf.kernel import *

STATUS, ALERT, CHARGE = 0x0, 0x1, 0x4


def gauge_thread(irq, dev):
    mutex_lock(dev.bus)
    status = read_reg(dev, STATUS)
    if status & ALERT:
        msleep(1)
        dev.charge = read_reg(dev, CHARGE)
        write_reg(dev, STATUS, ALERT)
    mutex_unlock(dev.bus)
    return IRQ_HANDLED


def probe(dev):
    mutex_init(dev.bus)
    dev.charge = 0
    err = request_threaded_irq(dev.irq, None, gauge_thread, IRQF_TRIGGER_FALLING, "gauge", dev)  # HERE
    if err:
        return err
    write_reg(dev, STATUS, ALERT)
    return 0


def remove(dev):
    free_irq(dev.irq, dev)
