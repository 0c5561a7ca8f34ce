"""A packet radio: the tasklet turns itself off when the band is busy."""

from tophalf.kernel import *

STATUS, RX, BAND, BUSY = 0x0, 0x1, 0x4, 0x1


def radio_rx(tasklet):
    radio = from_tasklet(tasklet)
    if read_reg(radio, BAND) & BUSY:
        tasklet_disable_nosync(radio.rx)
        mod_timer(radio.backoff, msecs_to_jiffies(10))
    else:
        radio.packets += 1


def radio_backoff(timer):
    radio = from_timer(timer)
    tasklet_enable(radio.rx)


def radio_irq(irq, dev):
    if not read_reg(dev, STATUS) & RX:
        return IRQ_NONE
    write_reg(dev, STATUS, RX)
    tasklet_schedule(dev.rx)
    return IRQ_HANDLED


def probe(dev):
    dev.packets = 0
    timer_setup(dev.backoff, radio_backoff, 0)
    tasklet_setup(dev.rx, radio_rx)
    return request_irq(dev.irq, radio_irq, IRQF_SHARED, "radio", dev)
