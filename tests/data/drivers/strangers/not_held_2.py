"""A tape: wait for the drive with the lock dropped."""

from tophalf.kernel import *

STATUS, BUSY, CMD, REWIND = 0x0, 0x1, 0x4, 0x7


def tape_ready(tape):
    for i in range(20):
        if not read_reg(tape, STATUS) & BUSY:
            return 1
    spin_unlock_bh(tape.lock)
    return 0


def tape_rewind(dev):
    err = 0
    spin_lock_bh(dev.lock)
    if tape_ready(dev):
        write_reg(dev, CMD, REWIND)
    else:
        err = -EBUSY
    spin_unlock_bh(dev.lock)  # HERE
    return err


def probe(dev):
    spin_lock_init(dev.lock)
    return tape_rewind(dev)


def remove(dev):
    tape_rewind(dev)
