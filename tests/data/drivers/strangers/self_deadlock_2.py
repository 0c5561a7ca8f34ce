"""A bus scan: a lock for each slot's look-up."""

from tophalf.kernel import *

SLOT, PRESENT = 0x10, 0x1
SLOTS = 8


def slot_present(bus, i):
    return read_reg(bus, SLOT + i) & PRESENT


def bus_scan(bus):
    found = 0
    for i in range(SLOTS):
        spin_lock(bus.lock)  # HERE
        if not slot_present(bus, i):
            bus.empty += 1
            continue
        found += 1
        spin_unlock(bus.lock)
    return found


def probe(dev):
    spin_lock_init(dev.lock)
    dev.empty = 0
    if not slot_present(dev, 0):
        return -ENODEV
    dev.slots = bus_scan(dev)
    return 0
