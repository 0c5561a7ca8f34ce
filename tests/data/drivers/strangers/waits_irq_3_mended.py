"""A gyroscope: a reset waits for the handlers that run."""

from tophalf.kernel import *

STATUS, READY, FAULT, CTRL = 0x0, 0x1, 0x2, 0x4


def gyro_reset(gyro):
    gyro.valid = 0
    write_reg(gyro, CTRL, 1)
    msleep(1)
    write_reg(gyro, CTRL, 0)


def gyro_thread(irq, dev):
    status = read_reg(dev, STATUS)
    write_reg(dev, STATUS, status)
    if status & FAULT:
        gyro_reset(dev)
    else:
        dev.valid = 1
    return IRQ_HANDLED


def gyro_suspend(dev):
    synchronize_irq(dev.irq)
    gyro_reset(dev)
    return 0


def probe(dev):
    dev.valid = 0
    return request_threaded_irq(dev.irq, None, gyro_thread, IRQF_ONESHOT, "gyro", dev)


def remove(dev):
    free_irq(dev.irq, dev)
