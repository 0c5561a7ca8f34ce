"""Sleeping with interrupts off. Mended."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def reset(dev):
    local_irq_disable()
    write_reg(dev, STATUS, 0)
    local_irq_enable()
    msleep(10)
