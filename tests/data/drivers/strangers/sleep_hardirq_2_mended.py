"""A sampler driven by an hrtimer: start the converter, fetch the last value."""

from tophalf.kernel import *

CTRL, VALUE, START = 0x0, 0x4, 0x1


def adc_fetch(adc):
    adc.value = read_reg(adc, VALUE)
    write_reg(adc, CTRL, START)


def adc_tick(timer):
    adc = container_of(timer)
    if adc.enabled:
        adc_fetch(adc)
    hrtimer_forward_now(timer, 1000000)
    return HRTIMER_RESTART


def adc_irq(irq, dev):
    write_reg(dev, CTRL, 0)
    complete(dev.converted)
    return IRQ_HANDLED


def probe(dev):
    init_completion(dev.converted)
    dev.enabled = 1
    hrtimer_setup(dev.ticker, adc_tick, CLOCK_MONOTONIC, HRTIMER_MODE_REL)
    err = request_irq(dev.irq, adc_irq, 0, "adc", dev)
    if err:
        return err
    hrtimer_start(dev.ticker, 1000000, HRTIMER_MODE_REL)
    return 0


def remove(dev):
    hrtimer_cancel(dev.ticker)
    free_irq(dev.irq, dev)
