"""A touch panel: a quick top half, the coordinates in the thread."""

from tophalf.kernel import *

STATUS, TOUCH, FAULT, CTRL, RESET = 0x0, 0x1, 0x2, 0x8, 0x1


def panel_reset(panel):
    write_reg(panel, CTRL, RESET)
    udelay(5)
    write_reg(panel, CTRL, 0)


def panel_irq(irq, dev):
    status = read_reg(dev, STATUS)
    if not status & (TOUCH | FAULT):
        return IRQ_NONE
    write_reg(dev, STATUS, status)
    if status & FAULT:
        panel_reset(dev)
        return IRQ_HANDLED
    return IRQ_WAKE_THREAD


def panel_thread(irq, dev):
    mutex_lock(dev.bus)
    dev.x = read_reg(dev, 0x10)
    dev.y = read_reg(dev, 0x14)
    mutex_unlock(dev.bus)
    return IRQ_HANDLED


def probe(dev):
    mutex_init(dev.bus)
    return request_threaded_irq(dev.irq, panel_irq, panel_thread, IRQF_SHARED | IRQF_ONESHOT, "panel", dev)
