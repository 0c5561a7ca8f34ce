"""A crypto engine: a tasklet hands on what is done; after every 20th block that failed a work item clears the key."""

from tophalf.kernel import *

SCENARIO = """
title = "A crypto engine of which one block in three fails"

[machine]
seconds = "100ms"

[[driver]]
name = "crypto"
irq = 24
flow = "level"
data = 4
depth = 16
rate = 1000
"""

STATUS, DATA, KEY = 0x0, 0x4, 0x8
DONE = 0x1


def crypto_irq(irq, dev):
    if not read_reg(dev, STATUS) & DONE:
        return IRQ_NONE
    dev.block = read_reg(dev, DATA)
    tasklet_schedule(dev.finish)
    return IRQ_HANDLED


def crypto_finish(tasklet):
    dev = from_tasklet(tasklet)
    spin_lock(dev.lock)
    if dev.block % 3 == 0:
        dev.failed += 1
    else:
        dev.done += 1
    late = dev.failed == 20
    spin_unlock(dev.lock)
    if late:
        schedule_work(dev.rekey)


def crypto_rekey(work):
    dev = container_of(work)
    mutex_lock(dev.keys)
    spin_lock(dev.lock)  # HERE inconsistent-softirq: the tasklet takes it
    write_reg(dev, KEY, 0)
    dev.failed = 0
    spin_unlock(dev.lock)
    mutex_unlock(dev.keys)


def probe(dev):
    spin_lock_init(dev.lock)
    mutex_init(dev.keys)
    tasklet_setup(dev.finish, crypto_finish)
    INIT_WORK(dev.rekey, crypto_rekey)
    return request_irq(dev.irq, crypto_irq, 0, "crypto", dev)
