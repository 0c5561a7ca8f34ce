"""A sampler: every 10 ms one record."""

from tophalf.kernel import *

VALUE = 0x4
RECORD_GFP = GFP_KERNEL
SMALL = 32


def sampler_record(sampler, value):
    record = kmalloc(SMALL, GFP_ATOMIC)
    if not record:
        sampler.lost += 1
        return
    sampler.value = value
    kfree(record)


def sampler_tick(timer):
    sampler = from_timer(timer)
    value = read_reg(sampler, VALUE)
    if value != sampler.value:
        sampler_record(sampler, value)
    mod_timer(sampler.timer, msecs_to_jiffies(10))


def probe(dev):
    dev.lost = 0
    dev.value = 0
    dev.buffer = kmalloc(SMALL, RECORD_GFP)
    if not dev.buffer:
        return -ENOMEM
    timer_setup(dev.timer, sampler_tick, 0)
    mod_timer(dev.timer, msecs_to_jiffies(10))
    return 0


def remove(dev):
    timer_delete_sync(dev.timer)
    kfree(dev.buffer)
