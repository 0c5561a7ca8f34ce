"""A card whose tasklet does the work."""

from tophalf.kernel import *

STATUS, DONE, DATA = 0x0, 0x1, 0x4


def card_irq(irq, dev):
    if dev.suspended:
        write_reg(dev, STATUS, DONE)
        dev.spurious += 1
        return IRQ_HANDLED
    write_reg(dev, STATUS, DONE)
    tasklet_schedule(dev.tasklet)
    return IRQ_HANDLED


def card_tasklet(tasklet):
    card = from_tasklet(tasklet)
    card.data = read_reg(card, DATA)


def suspend(dev):
    dev.suspended = 1


def probe(dev):
    dev.suspended = 0
    dev.spurious = 0
    tasklet_setup(dev.tasklet, card_tasklet)
    return request_irq(dev.irq, card_irq, IRQF_TRIGGER_HIGH, "card", dev)


def remove(dev):
    free_irq(dev.irq, dev)
    tasklet_kill(dev.tasklet)
