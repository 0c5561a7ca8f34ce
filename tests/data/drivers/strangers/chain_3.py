"""A framebuffer: vsync's lock, the ring's, the bank's, from the outside in."""

from tophalf.kernel import *

STATUS, VSYNC, BANK = 0x0, 0x1, 0x4


def fb_irq(irq, dev):
    if not read_reg(dev, STATUS) & VSYNC:
        return IRQ_NONE
    write_reg(dev, STATUS, VSYNC)
    spin_lock(dev.vsync)
    dev.frames += 1
    spin_unlock(dev.vsync)
    return IRQ_HANDLED


def fb_flip(dev):
    spin_lock_irq(dev.vsync)
    spin_lock(dev.ring)
    dev.front += 1
    spin_unlock(dev.ring)
    spin_unlock_irq(dev.vsync)


def fb_swap(dev):
    flags = spin_lock_irqsave(dev.ring)
    spin_lock(dev.bank)
    write_reg(dev, BANK, dev.front)
    spin_unlock(dev.bank)
    spin_unlock_irqrestore(dev.ring, flags)


def fb_clear(dev):
    spin_lock_bh(dev.bank)  # HERE
    write_reg(dev, BANK, 0)
    spin_unlock_bh(dev.bank)


def probe(dev):
    spin_lock_init(dev.vsync)
    spin_lock_init(dev.ring)
    spin_lock_init(dev.bank)
    return request_irq(dev.irq, fb_irq, IRQF_SHARED, "fb", dev)
