"""A frame grabber: the tasklet hands finished frames on."""

from tophalf.kernel import *

STATUS, DONE, FRAME = 0x0, 0x1, 0x8


def grabber_account(grabber, bytes):
    mutex_lock(grabber.stats)  # HERE
    grabber.total += bytes
    mutex_unlock(grabber.stats)


def grabber_tasklet(tasklet):
    grabber = from_tasklet(tasklet)
    size = read_reg(grabber, FRAME)
    if size > 0:
        grabber_account(grabber, size)


def grabber_irq(irq, dev):
    if not read_reg(dev, STATUS) & DONE:
        return IRQ_NONE
    write_reg(dev, STATUS, DONE)
    tasklet_schedule(dev.tasklet)
    return IRQ_HANDLED


def grabber_reset_stats(dev):
    mutex_lock(dev.stats)
    dev.total = 0
    mutex_unlock(dev.stats)


def probe(dev):
    mutex_init(dev.stats)
    tasklet_setup(dev.tasklet, grabber_tasklet)
    return request_irq(dev.irq, grabber_irq, IRQF_SHARED, "grabber", dev)
