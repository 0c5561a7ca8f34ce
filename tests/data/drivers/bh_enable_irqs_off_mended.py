"""Bottom halves are turned on with interrupts off. Mended."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def read(dev):
    local_bh_disable()
    local_irq_disable()
    dev.count = 0
    local_irq_enable()
    local_bh_enable()
