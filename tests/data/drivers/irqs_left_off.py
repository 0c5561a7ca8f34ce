"""A path that leaves interrupts off."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def stop(dev):
    flags = local_irq_save()
    if dev.started:
        dev.started = 0
        local_irq_restore(flags)
    write_reg(dev, STATUS, 0)  # BUG irqs-at-end
