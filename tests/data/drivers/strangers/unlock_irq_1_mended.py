"""A sound card: two locks, the mixer inside the stream."""

from tophalf.kernel import *

VOLUME, CTRL, RUN, STATUS, PERIOD = 0x0, 0x4, 0x1, 0x8, 0x1


def mixer_set(card, level):
    flags = spin_lock_irqsave(card.mixer)
    card.level = level
    write_reg(card, VOLUME, level)
    spin_unlock_irqrestore(card.mixer, flags)


def stream_start(dev, level):
    flags = spin_lock_irqsave(dev.stream)
    if level != dev.level:
        mixer_set(dev, level)
    dev.running = 1
    write_reg(dev, CTRL, RUN)
    spin_unlock_irqrestore(dev.stream, flags)


def card_irq(irq, dev):
    if not read_reg(dev, STATUS) & PERIOD:
        return IRQ_NONE
    write_reg(dev, STATUS, PERIOD)
    spin_lock(dev.stream)
    dev.periods += 1
    spin_unlock(dev.stream)
    return IRQ_HANDLED


def probe(dev):
    spin_lock_init(dev.mixer)
    spin_lock_init(dev.stream)
    dev.level = 0
    mixer_set(dev, 50)
    return request_irq(dev.irq, card_irq, IRQF_SHARED, "sound", dev)
