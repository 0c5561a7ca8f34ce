"""A frame grabber with a buffer that must outlive its handler."""

from tophalf.kernel import *

STATUS, FRAME, CTRL = 0x0, 0x1, 0x4


def grab_irq(irq, dev):
    if not read_reg(dev, STATUS) & FRAME:
        return IRQ_NONE
    write_reg(dev, STATUS, FRAME)
    dev.frames += 1
    return IRQ_HANDLED


def probe(dev):
    dev.buffer = kmalloc(4096, GFP_KERNEL)
    if not dev.buffer:
        return -ENOMEM
    err = request_irq(dev.irq, grab_irq, IRQF_SHARED, "grab", dev)
    if err:
        kfree(dev.buffer)
    return err


def remove(dev):
    write_reg(dev, CTRL, 0)
    free_irq(dev.irq, dev)
    if dev.buffer:
        synchronize_irq(dev.irq)  # HERE
    kfree(dev.buffer)
