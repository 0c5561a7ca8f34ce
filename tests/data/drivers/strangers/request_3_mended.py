"""A display: the vsync line is shared, and enabled when the display is."""

from tophalf.kernel import *

STATUS, VSYNC, CTRL = 0x0, 0x1, 0x4
FLAGS = IRQF_TRIGGER_RISING


def vsync_irq(irq, dev):
    if not read_reg(dev, STATUS) & VSYNC:
        return IRQ_NONE
    write_reg(dev, STATUS, VSYNC)
    dev.frames += 1
    return IRQ_HANDLED


def display_on(dev):
    write_reg(dev, CTRL, 1)
    enable_irq(dev.irq)


def probe(dev):
    dev.frames = 0
    err = request_irq(dev.irq, vsync_irq, FLAGS | IRQF_NO_AUTOEN, "vsync", dev)
    if err:
        return err
    display_on(dev)
    return 0
