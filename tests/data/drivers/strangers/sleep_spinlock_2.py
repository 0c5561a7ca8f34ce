"""A flash chip: erase a block, with the queue locked."""

from tophalf.kernel import *

STATUS, BUSY, CMD, ERASE = 0x0, 0x1, 0x4, 0x20


def flash_wait(chip):
    for i in range(10):
        if not read_reg(chip, STATUS) & BUSY:
            return 0
        msleep(1)  # HERE
    return -ETIMEDOUT


def flash_erase(chip, block):
    write_reg(chip, CMD, ERASE + block)
    return flash_wait(chip)


def flash_ioctl(dev, block):
    spin_lock(dev.queue_lock)
    if block >= dev.blocks:
        spin_unlock(dev.queue_lock)
        return -EINVAL
    err = flash_erase(dev, block)
    dev.erased += 1
    spin_unlock(dev.queue_lock)
    return err


def probe(dev):
    spin_lock_init(dev.queue_lock)
    dev.blocks = 64
    dev.erased = 0
    return 0
