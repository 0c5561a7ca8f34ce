"""Sleeping with interrupts off."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def reset(dev):
    local_irq_disable()
    write_reg(dev, STATUS, 0)
    msleep(10)  # BUG sleep
    local_irq_enable()
