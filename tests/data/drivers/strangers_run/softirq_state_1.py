"""A network PHY: a timer ages its counters, a task negotiates again whenever the link has changed."""

from tophalf.kernel import *

SCENARIO = """
title = "A link that goes down at 83 ms"

[machine]
seconds = "200ms"

[[driver]]
name = "phy"
irq = 24
arrivals = "times"
times = ["83ms"]
"""

STATUS, SPEED = 0x0, 0x4
CHANGED = 0x1


def phy_age(timer):
    dev = from_timer(timer)
    spin_lock(dev.lock)
    dev.errors = dev.errors // 2
    dev.ages += 1
    spin_unlock(dev.lock)
    mod_timer(timer, jiffies + HZ // 50)


def negotiate(dev):
    spin_lock(dev.lock)  # HERE inconsistent-softirq: the timer takes it
    write_reg(dev, SPEED, 100)
    dev.errors = 0
    spin_unlock(dev.lock)


def phy_task(dev):
    while not kthread_should_stop():
        msleep(5)
        if dev.changes != dev.known:
            dev.known = dev.changes
            negotiate(dev)
    return 0


def phy_irq(irq, dev):
    if not read_reg(dev, STATUS) & CHANGED:
        return IRQ_NONE
    write_reg(dev, STATUS, CHANGED)
    dev.changes += 1
    return IRQ_HANDLED


def probe(dev):
    spin_lock_init(dev.lock)
    timer_setup(dev.timer, phy_age, 0)
    mod_timer(dev.timer, jiffies + HZ // 50)
    dev.task = kthread_run(phy_task, dev, "phy")
    return request_irq(dev.irq, phy_irq, 0, "phy", dev)
