"""A key: debounced in a work item."""

from tophalf.kernel import *

STATUS, PRESSED, LEVEL = 0x0, 0x1, 0x4


def key_debounce(work):
    key = container_of(work)
    before = read_reg(key, LEVEL)
    if before:
        msleep(20)  # HERE
    if read_reg(key, LEVEL) == before:
        key.state = before


def key_irq(irq, dev):
    if not read_reg(dev, STATUS) & PRESSED:
        return IRQ_NONE
    write_reg(dev, STATUS, PRESSED)
    queue_work(system_bh_wq, dev.debounce)
    return IRQ_HANDLED


def probe(dev):
    dev.state = 0
    INIT_WORK(dev.debounce, key_debounce)
    return request_irq(dev.irq, key_irq, IRQF_SHARED, "key", dev)


def remove(dev):
    free_irq(dev.irq, dev)
    cancel_work_sync(dev.debounce)
