"""A cache flusher for each bank of this CPU."""

from tophalf.kernel import *

BANK, FLUSH, BUSY = 0x0, 0x1, 0x2


def flush_bank(cache, bank):
    write_reg(cache, BANK + bank, FLUSH)
    if read_reg(cache, BANK + bank) & BUSY:
        return -EBUSY
    return 0


def flush_all(dev, banks):
    err = 0
    preempt_disable()
    cpu = smp_processor_id()
    for bank in range(banks):
        err = flush_bank(dev, bank + 4 * cpu)
        if err:
            break
    preempt_enable()
    return err


def probe(dev):
    return flush_all(dev, 4)
