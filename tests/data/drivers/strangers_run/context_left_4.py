"""A battery gauge: delayed work reads two registers that belong together, with interrupts off, and tries again if they differ."""

from tophalf.kernel import *

SCENARIO = """
title = "A battery gauge that is read each 20 ms"

[machine]
seconds = "400ms"

[[driver]]
name = "gauge"
irq = 24
rate = 50
"""

STATUS, HIGH, LOW = 0x0, 0x4, 0x8
ALARM = 0x1


def gauge_irq(irq, dev):
    if not read_reg(dev, STATUS) & ALARM:
        return IRQ_NONE
    write_reg(dev, STATUS, ALARM)
    dev.alarms += 1
    if dev.alarms == 8:
        write_reg(dev, HIGH, 1)
    return IRQ_HANDLED


def sample(dev):
    flags = local_irq_save()
    high = read_reg(dev, HIGH)
    udelay(2)
    if high != read_reg(dev, LOW):
        dev.torn += 1
        write_reg(dev, LOW, high)
        return -EAGAIN  # HERE irqs-at-end: with interrupts still off
    dev.charge = high
    local_irq_restore(flags)
    return 0


def gauge_poll(work):
    dev = container_of(work)
    if sample(dev) == 0:
        dev.samples += 1
    schedule_delayed_work(work, HZ // 50)


def probe(dev):
    INIT_DELAYED_WORK(dev.poll, gauge_poll)
    schedule_delayed_work(dev.poll, HZ // 50)
    return request_irq(dev.irq, gauge_irq, 0, "gauge", dev)
