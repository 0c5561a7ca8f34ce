"""A real-time clock whose alarm may come in suspend."""

from tophalf.kernel import *

STATUS, ALARM, TIME = 0x0, 0x1, 0x4


def rtc_irq(irq, dev):
    if not read_reg(dev, STATUS) & ALARM:
        return IRQ_NONE
    write_reg(dev, STATUS, ALARM)
    dev.alarms += 1
    return IRQ_HANDLED


def rtc_set(dev, time):
    write_reg(dev, TIME, time)
    return 0


def probe(dev):
    dev.alarms = 0
    rtc_set(dev, 0)
    return request_irq(dev.irq, rtc_irq, IRQF_COND_SUSPEND, "rtc", dev)  # HERE
