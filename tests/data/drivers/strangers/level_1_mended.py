"""A sensor on a level line of its own."""

from tophalf.kernel import *

STATUS, READY, VALUE = 0x0, 0x1, 0x4


def sensor_irq(irq, dev):
    dev.ready = 1
    dev.interrupts += 1
    wake_up(dev.wait)
    write_reg(dev, STATUS, READY)
    return IRQ_HANDLED


def sensor_read(dev):
    err = wait_event_interruptible(dev.wait, dev.ready)
    if err:
        return err
    dev.ready = 0
    return read_reg(dev, VALUE)


def probe(dev):
    init_waitqueue_head(dev.wait)
    dev.ready = 0
    dev.interrupts = 0
    return request_irq(dev.irq, sensor_irq, IRQF_TRIGGER_HIGH, "sensor", dev)


def remove(dev):
    free_irq(dev.irq, dev)
