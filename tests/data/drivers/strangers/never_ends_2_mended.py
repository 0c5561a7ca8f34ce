"""A multi-channel ADC: each channel with data is read."""

from tophalf.kernel import *

STATUS, CHANNEL = 0x0, 0x10
CHANNELS = 4


def adc_scan(adc, mask):
    channel = 0
    found = 0
    while channel < CHANNELS:
        if not mask & (1 << channel):
            channel += 1
            continue
        adc.value = read_reg(adc, CHANNEL + channel)
        found += 1
        channel += 1
    return found


def adc_irq(irq, dev):
    mask = read_reg(dev, STATUS) & 0xf
    if not mask:
        return IRQ_NONE
    write_reg(dev, STATUS, mask)
    dev.samples += adc_scan(dev, mask)
    return IRQ_HANDLED


def probe(dev):
    dev.samples = 0
    return request_irq(dev.irq, adc_irq, IRQF_SHARED, "adc", dev)
