"""A frame grabber with two buffers: a frame that comes before the one before it has been taken is an overrun, and is counted."""

from tophalf.kernel import *

SCENARIO = """
title = "Frames that come faster than they are taken"

[machine]
seconds = "200ms"

[[driver]]
name = "grabber"
irq = 24
flow = "level"
rate = 400
"""

STATUS, BUFFER = 0x0, 0x4
FRAME = 0x1


def grabber_irq(irq, dev):
    if not read_reg(dev, STATUS) & FRAME:
        return IRQ_NONE
    write_reg(dev, STATUS, FRAME)
    spin_lock(dev.lock)
    if dev.full:
        dev.overruns += 1
    else:
        dev.full = 1
        dev.active = 1 - dev.active
        write_reg(dev, BUFFER, dev.active)
        queue_work(dev.wq, dev.take)
    spin_unlock(dev.lock)
    return IRQ_HANDLED


def grabber_take(work):
    dev = container_of(work)
    copy_to_user(dev.active)
    spend(3000000)  # 3 ms a frame
    spin_lock_irq(dev.lock)
    dev.full = 0
    dev.frames += 1
    spin_unlock_irq(dev.lock)


def probe(dev):
    spin_lock_init(dev.lock)
    dev.wq = alloc_ordered_workqueue("grabber", WQ_HIGHPRI)
    if not dev.wq:
        return -ENOMEM
    INIT_WORK(dev.take, grabber_take)
    return request_irq(dev.irq, grabber_irq, IRQF_SHARED, "grabber", dev)


def remove(dev):
    free_irq(dev.irq, dev)
    destroy_workqueue(dev.wq)
