"""A plotter: a task waits for the pen; a timer gives it up when the pen has not moved for two seconds."""

from tophalf.kernel import *

SCENARIO = """
title = "A plotter whose pen sticks after five lines"

[machine]
seconds = "300s"

[[driver]]
name = "plotter"
irq = 24
arrivals = "times"
times = ["1s", "2s", "3s", "4s", "5s"]
"""

STATUS, PEN = 0x0, 0x4
MOVED = 0x1


def plotter_irq(irq, dev):
    if not read_reg(dev, STATUS) & MOVED:
        return IRQ_NONE
    write_reg(dev, STATUS, MOVED)
    dev.done = 1
    wake_up(dev.pen)
    return IRQ_HANDLED


def plotter_late(timer):
    dev = from_timer(timer)
    dev.late += 1
    dev.done = 1


def plot_line(dev):
    dev.done = 0
    write_reg(dev, PEN, dev.lines)
    mod_timer(dev.timer, jiffies + 2 * HZ)
    wait_event(dev.pen, dev.done)  # HERE hung-task: the timer sets done and wakes nobody
    timer_delete(dev.timer)
    dev.lines += 1


def plotter_task(dev):
    while not kthread_should_stop():
        plot_line(dev)
    return 0


def probe(dev):
    init_waitqueue_head(dev.pen)
    timer_setup(dev.timer, plotter_late, 0)
    dev.task = kthread_run(plotter_task, dev, "plotter")
    return request_irq(dev.irq, plotter_irq, 0, "plotter", dev)
