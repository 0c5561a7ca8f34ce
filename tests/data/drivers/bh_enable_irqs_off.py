"""Bottom halves are turned on with interrupts off."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def read(dev):
    local_bh_disable()
    local_irq_disable()
    dev.count = 0
    local_bh_enable()  # BUG bh-irqs
    local_irq_enable()
