"""A capture card: a tasklet for every frame, until an error."""

from tophalf.kernel import *

STATUS, FRAME, ERROR, DATA = 0x0, 0x1, 0x2, 0x4


def capture_abort(capture):
    capture.running = 0
    write_reg(capture, STATUS, ERROR)


def capture_tasklet(tasklet):
    capture = from_tasklet(tasklet)
    if read_reg(capture, STATUS) & ERROR:
        capture_abort(capture)
        return
    capture.frame = read_reg(capture, DATA)


def capture_irq(irq, dev):
    if not read_reg(dev, STATUS) & FRAME:
        return IRQ_NONE
    write_reg(dev, STATUS, FRAME)
    tasklet_schedule(dev.tasklet)
    return IRQ_HANDLED


def probe(dev):
    dev.running = 1
    tasklet_setup(dev.tasklet, capture_tasklet)
    return request_irq(dev.irq, capture_irq, IRQF_SHARED, "capture", dev)


def remove(dev):
    free_irq(dev.irq, dev)
    tasklet_kill(dev.tasklet)
