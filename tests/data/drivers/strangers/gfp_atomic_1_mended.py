"""A network card that refills its ring from the handler."""

from tophalf.kernel import *

STATUS, RX, RING = 0x0, 0x1, 0x8


def ring_refill(dev, gfp):
    buf = kmalloc(2048, gfp)
    if not buf:
        return -ENOMEM
    write_reg(dev, RING, buf)
    return 0


def ring_irq(irq, dev):
    if not read_reg(dev, STATUS) & RX:
        return IRQ_NONE
    write_reg(dev, STATUS, RX)
    dev.packets += 1
    if ring_refill(dev, GFP_ATOMIC):
        dev.dropped += 1
    return IRQ_HANDLED


def probe(dev):
    dev.packets = 0
    dev.dropped = 0
    err = ring_refill(dev, GFP_KERNEL)
    if err:
        return err
    return request_irq(dev.irq, ring_irq, IRQF_SHARED, "ring", dev)
