"""A printer port: the handler hands a byte over and waits for its taking."""

from tophalf.kernel import *

STATUS, ACK, DATA = 0x0, 0x1, 0x4


def printer_taken(printer):
    for i in range(10):
        if printer.taken:
            break
        udelay(1)
    printer.taken = 0


def printer_irq(irq, dev):
    if not read_reg(dev, STATUS) & ACK:
        return IRQ_NONE
    write_reg(dev, STATUS, ACK)
    dev.byte = read_reg(dev, DATA)
    printer_taken(dev)
    return IRQ_HANDLED


def printer_read(dev):
    byte = dev.byte
    dev.taken = 1
    return byte


def probe(dev):
    dev.taken = 0
    dev.byte = 0
    return request_irq(dev.irq, printer_irq, IRQF_SHARED, "printer", dev)
