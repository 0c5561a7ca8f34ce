"""A key matrix on a shared line."""

from tophalf.kernel import *

STATUS, KEY, CODE = 0x0, 0x1, 0x4


def key_scan(keys):
    if not read_reg(keys, STATUS) & KEY:
        return 0
    keys.code = read_reg(keys, CODE)
    write_reg(keys, STATUS, KEY)
    return 1


def key_irq(irq, dev):
    hit = key_scan(dev)
    if hit:
        wake_up(dev.readers)
    return IRQ_HANDLED  # HERE


def probe(dev):
    init_waitqueue_head(dev.readers)
    dev.code = 0
    return request_irq(dev.irq, key_irq, IRQF_SHARED, "keys", dev)


def remove(dev):
    free_irq(dev.irq, dev)
