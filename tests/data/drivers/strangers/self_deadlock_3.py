"""A routing table: looked up often, changed seldom."""

from tophalf.kernel import *

HASH = 0x0


def route_add(rt, key):
    write_lock(rt.table)  # HERE
    rt.entries += 1
    write_reg(rt, HASH, key)
    write_unlock(rt.table)


def route_get(dev, key):
    read_lock(dev.table)
    hit = read_reg(dev, HASH) == key
    if not hit and dev.learning:
        route_add(dev, key)
    read_unlock(dev.table)
    return hit


def probe(dev):
    rwlock_init(dev.table)
    dev.entries = 0
    dev.learning = 1
    route_add(dev, 0)
    return 0
