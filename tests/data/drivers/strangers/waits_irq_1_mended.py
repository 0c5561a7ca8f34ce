"""A hot-plug card: all ones in the status mean it has gone."""

from tophalf.kernel import *

STATUS, DONE, GONE, CTRL = 0x0, 0x1, 0xffffffff, 0x4


def card_shutdown(card):
    card.present = 0
    write_reg(card, CTRL, 0)


def card_gone(work):
    card = container_of(work)
    free_irq(card.irq, card)


def card_irq(irq, dev):
    status = read_reg(dev, STATUS)
    if status == GONE:
        card_shutdown(dev)
        schedule_work(dev.gone)
        return IRQ_HANDLED
    if not status & DONE:
        return IRQ_NONE
    write_reg(dev, STATUS, DONE)
    return IRQ_HANDLED


def probe(dev):
    dev.present = 1
    INIT_WORK(dev.gone, card_gone)
    return request_irq(dev.irq, card_irq, IRQF_SHARED, "card", dev)
