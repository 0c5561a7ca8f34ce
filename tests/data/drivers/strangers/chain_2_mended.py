"""A switch: the aging timer owns the table, statistics are inside it."""

from tophalf.kernel import *

PORT = 0x0


def switch_count(sw, n):
    spin_lock(sw.stats)
    sw.aged += n
    spin_unlock(sw.stats)


def switch_age(timer):
    sw = from_timer(timer)
    spin_lock(sw.table)
    if sw.entries > 0:
        sw.entries -= 1
    spin_unlock(sw.table)
    mod_timer(sw.aging, msecs_to_jiffies(1000))


def switch_flush(dev):
    spin_lock_bh(dev.table)
    switch_count(dev, dev.entries)
    dev.entries = 0
    spin_unlock_bh(dev.table)


def switch_learn(dev, port):
    id = read_reg(dev, PORT + port)
    if not id:
        local_bh_disable()
        switch_count(dev, 0)
        local_bh_enable()
        return -ENODEV
    spin_lock_bh(dev.table)
    dev.entries += 1
    spin_unlock_bh(dev.table)
    return 0


def probe(dev):
    spin_lock_init(dev.stats)
    spin_lock_init(dev.table)
    dev.entries = 0
    timer_setup(dev.aging, switch_age, 0)
    mod_timer(dev.aging, msecs_to_jiffies(1000))
    return 0
