"""A display: work items redraw it under its mutex; a task changes the mode, and waits for the last redrawing before."""

from tophalf.kernel import *

SCENARIO = """
title = "A display whose mode changes after 50 ms"

[machine]
seconds = "1s"

[[driver]]
name = "display"
irq = 24
rate = 60
"""

STATUS, MODE = 0x0, 0x4
VBLANK = 0x1


def display_irq(irq, dev):
    write_reg(dev, STATUS, VBLANK)
    schedule_work(dev.redraw)
    return IRQ_HANDLED


def display_redraw(work):
    dev = container_of(work)
    mutex_lock(dev.mode)
    usleep_range(1000, 1500)
    dev.frames += 1
    mutex_unlock(dev.mode)


def settle(dev):
    schedule_work(dev.redraw)
    flush_work(dev.redraw)


def set_mode(dev):
    while not kthread_should_stop():
        msleep(50)
        settle(dev)
        mutex_lock(dev.mode)
        write_reg(dev, MODE, dev.frames % 4)
        mutex_unlock(dev.mode)
    return 0


def probe(dev):
    mutex_init(dev.mode)
    INIT_WORK(dev.redraw, display_redraw)
    dev.task = kthread_run(set_mode, dev, "display-mode")
    return request_irq(dev.irq, display_irq, 0, "display", dev)
