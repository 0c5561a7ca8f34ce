"""An infrared sender: pulses with interrupts off."""

from tophalf.kernel import *

LED, STATUS, HOT = 0x0, 0x4, 0x1


def ir_pulse(ir, us):
    write_reg(ir, LED, 1)
    udelay(us)
    write_reg(ir, LED, 0)


def ir_send(dev, code):
    local_irq_disable()
    for i in range(8):
        if read_reg(dev, STATUS) & HOT:
            return -EIO  # HERE
        if (code >> i) & 1:
            ir_pulse(dev, 6)
        else:
            ir_pulse(dev, 3)
    local_irq_enable()
    dev.sent += 1
    return 0


def probe(dev):
    dev.sent = 0
    write_reg(dev, LED, 0)
    return 0
