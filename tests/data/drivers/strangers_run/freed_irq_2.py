"""A joystick: a timer samples it, and switches its line off after eight samples."""

from tophalf.kernel import *

SCENARIO = """
title = "A joystick that a timer samples"

[machine]
seconds = "500ms"

[[driver]]
name = "joystick"
irq = 24
"""

STATUS, AXIS = 0x0, 0x4
READY = 0x1


def joystick_irq(irq, dev):
    if not read_reg(dev, STATUS) & READY:
        return IRQ_NONE
    write_reg(dev, STATUS, READY)
    dev.presses += 1
    return IRQ_HANDLED


def joystick_tick(timer):
    dev = from_timer(timer)
    dev.position = read_reg(dev, AXIS)
    dev.ticks += 1
    if dev.ticks == 8:
        disable_irq_nosync(dev.irq)  # HERE freed-irq: probe has given it back
    mod_timer(timer, jiffies + HZ // 50)


def probe(dev):
    error = request_irq(dev.irq, joystick_irq, 0, "joystick", dev)
    if error:
        return error
    free_irq(dev.irq, dev)
    timer_setup(dev.timer, joystick_tick, 0)
    mod_timer(dev.timer, jiffies + HZ // 50)
    return 0
