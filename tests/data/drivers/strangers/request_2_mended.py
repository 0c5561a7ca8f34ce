"""A serial port on a shared line."""

from tophalf.kernel import *

STATUS, RX, DATA = 0x0, 0x1, 0x4
FLAGS = IRQF_SHARED | IRQF_TRIGGER_RISING


def port_irq(irq, dev):
    if not read_reg(dev, STATUS) & RX:
        return IRQ_NONE
    dev.last = read_reg(dev, DATA)
    write_reg(dev, STATUS, RX)
    return IRQ_HANDLED


def port_start(port):
    return request_irq(port.irq, port_irq, FLAGS, "port", port)


def probe(dev):
    dev.last = 0
    err = port_start(dev)
    if err:
        return err
    write_reg(dev, STATUS, RX)
    return 0
