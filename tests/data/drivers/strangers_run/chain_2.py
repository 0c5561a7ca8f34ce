"""A switch: a timer ages ports, work items move packets between ports, rings and a log, and a task empties the log."""

from tophalf.kernel import *

SCENARIO = """
title = "A switch with three locks"

[machine]
seconds = "300ms"

[[driver]]
name = "switch"
irq = 24
rate = 200
"""

STATUS = 0x0
READY = 0x1


def port_age(timer):
    dev = from_timer(timer)
    spin_lock(dev.port)
    dev.age += 1
    spin_unlock(dev.port)
    mod_timer(timer, jiffies + HZ // 50)


def move_in(work):
    dev = container_of(work)
    spin_lock_bh(dev.port)
    spin_lock(dev.ring)
    dev.used += 1
    spin_unlock(dev.ring)
    spin_unlock_bh(dev.port)


def move_out(work):
    dev = container_of(work)
    spin_lock_bh(dev.ring)
    dev.used -= 1
    spin_lock(dev.log)
    dev.lines += 1
    spin_unlock(dev.log)
    spin_unlock_bh(dev.ring)


def log_task(dev):
    while not kthread_should_stop():
        msleep(20)
        if dev.lines > 30:
            spin_lock(dev.log)  # HERE chain-softirq: comes behind port and ring, and the timer takes port
            dev.lines = 0
            spin_unlock(dev.log)
    return 0


def switch_irq(irq, dev):
    write_reg(dev, STATUS, READY)
    schedule_work(dev.into)
    schedule_work(dev.out)
    return IRQ_HANDLED


def probe(dev):
    spin_lock_init(dev.port)
    spin_lock_init(dev.ring)
    spin_lock_init(dev.log)
    INIT_WORK(dev.into, move_in)
    INIT_WORK(dev.out, move_out)
    timer_setup(dev.timer, port_age, 0)
    mod_timer(dev.timer, jiffies + HZ // 50)
    dev.task = kthread_run(log_task, dev, "switch-log")
    return request_irq(dev.irq, switch_irq, 0, "switch", dev)
