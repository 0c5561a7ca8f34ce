"""An accelerometer: the top half stamps, the thread reads."""

from tophalf.kernel import *

STATUS, READY, AXIS = 0x0, 0x1, 0x10


def accel_stamp(accel, now):
    spin_lock(accel.stamp_lock)
    accel.stamp = now
    spin_unlock(accel.stamp_lock)


def accel_irq(irq, dev):
    if not read_reg(dev, STATUS) & READY:
        return IRQ_NONE
    write_reg(dev, STATUS, READY)
    accel_stamp(dev, ktime_get())
    return IRQ_WAKE_THREAD


def accel_thread(irq, dev):
    mutex_lock(dev.bus)
    dev.x = read_reg(dev, AXIS)
    spin_lock_irq(dev.stamp_lock)
    dev.sample_time = dev.stamp
    spin_unlock_irq(dev.stamp_lock)
    mutex_unlock(dev.bus)
    return IRQ_HANDLED


def probe(dev):
    mutex_init(dev.bus)
    spin_lock_init(dev.stamp_lock)
    return request_threaded_irq(dev.irq, accel_irq, accel_thread, IRQF_SHARED | IRQF_ONESHOT, "accel", dev)
