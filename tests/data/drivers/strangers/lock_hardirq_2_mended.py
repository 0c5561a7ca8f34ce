"""A capture card: the tasklet empties what the handler fills."""

from tophalf.kernel import *

STATUS, LINE, DATA = 0x0, 0x1, 0x4


def capture_irq(irq, dev):
    if not read_reg(dev, STATUS) & LINE:
        return IRQ_NONE
    write_reg(dev, STATUS, LINE)
    spin_lock(dev.lines_lock)
    dev.lines += 1
    spin_unlock(dev.lines_lock)
    tasklet_schedule(dev.bottom)
    return IRQ_HANDLED


def capture_bottom(tasklet):
    card = from_tasklet(tasklet)
    spin_lock_irq(card.lines_lock)
    pending = card.lines
    card.lines = 0
    spin_unlock_irq(card.lines_lock)
    for i in range(4):
        if i < pending:
            card.last = read_reg(card, DATA)


def probe(dev):
    spin_lock_init(dev.lines_lock)
    dev.lines = 0
    tasklet_setup(dev.bottom, capture_bottom)
    return request_irq(dev.irq, capture_irq, IRQF_SHARED, "capture", dev)


def remove(dev):
    free_irq(dev.irq, dev)
    tasklet_kill(dev.bottom)
