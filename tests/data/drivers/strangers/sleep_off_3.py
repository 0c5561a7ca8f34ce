"""A radio: the queue is stopped with bottom halves off."""

from tophalf.kernel import *

CTRL, STOP, STATUS, RX = 0x0, 0x1, 0x4, 0x1


def radio_drain(work):
    radio = container_of(work)
    radio.drained += 1
    write_reg(radio, STATUS, RX)


def radio_quiesce(radio):
    write_reg(radio, CTRL, STOP)
    flush_work(radio.drain)  # HERE


def radio_stop(dev):
    local_bh_disable()
    this_cpu_inc(dev.stops)
    radio_quiesce(dev)
    local_bh_enable()


def radio_irq(irq, dev):
    if not read_reg(dev, STATUS) & RX:
        return IRQ_NONE
    write_reg(dev, STATUS, RX)
    schedule_work(dev.drain)
    return IRQ_HANDLED


def probe(dev):
    INIT_WORK(dev.drain, radio_drain)
    return request_irq(dev.irq, radio_irq, IRQF_SHARED, "radio", dev)
