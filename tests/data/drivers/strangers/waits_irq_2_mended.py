"""A touchscreen: too many interrupts turn the line off for a while."""

from tophalf.kernel import *

STATUS, TOUCH, X = 0x0, 0x1, 0x4
STORM = 1000


def touch_irq(irq, dev):
    if not read_reg(dev, STATUS) & TOUCH:
        return IRQ_NONE
    write_reg(dev, STATUS, TOUCH)
    return IRQ_WAKE_THREAD


def touch_throttle(touch):
    if touch.rate > STORM:
        disable_irq_nosync(touch.irq)
        touch.off = 1
        schedule_delayed_work(touch.later, msecs_to_jiffies(100))


def touch_thread(irq, dev):
    dev.x = read_reg(dev, X)
    dev.rate += 1
    touch_throttle(dev)
    return IRQ_HANDLED


def touch_later(work):
    touch = container_of(work)
    touch.rate = 0
    enable_irq(touch.irq)


def probe(dev):
    dev.rate = 0
    INIT_DELAYED_WORK(dev.later, touch_later)
    return request_threaded_irq(dev.irq, touch_irq, touch_thread, IRQF_ONESHOT, "touch", dev)
