"""A random number generator: a per-CPU pool."""

from tophalf.kernel import *

DATA, STATUS, FULL = 0x0, 0x4, 0x1


def rng_fill(rng):
    preempt_disable()
    if not read_reg(rng, STATUS) & FULL:
        rng.misses += 1
        preempt_enable()
        return
    rng.pool = read_reg(rng, DATA)
    this_cpu_inc(rng.filled)
    preempt_enable()


def rng_read(dev):
    rng_fill(dev)
    return dev.pool


def probe(dev):
    dev.misses = 0
    dev.pool = 0
    rng_fill(dev)
    return 0
