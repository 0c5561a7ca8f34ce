"""A link monitor: a timer counts, a work reports."""

from tophalf.kernel import *

LINK = 0x0


def link_tick(timer):
    link = from_timer(timer)
    spin_lock(link.lock)
    if not read_reg(link, LINK):
        link.downs += 1
    spin_unlock(link.lock)
    schedule_work(link.report)
    mod_timer(link.timer, msecs_to_jiffies(100))


def link_take(link):
    spin_lock(link.lock)  # HERE
    downs = link.downs
    link.downs = 0
    spin_unlock(link.lock)
    return downs


def link_report(work):
    link = container_of(work)
    mutex_lock(link.log)
    link.total += link_take(link)
    mutex_unlock(link.log)


def probe(dev):
    spin_lock_init(dev.lock)
    mutex_init(dev.log)
    dev.downs = 0
    dev.total = 0
    INIT_WORK(dev.report, link_report)
    timer_setup(dev.timer, link_tick, 0)
    mod_timer(dev.timer, msecs_to_jiffies(100))
    return 0
