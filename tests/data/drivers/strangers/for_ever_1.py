"""A FIFO emptied by a tasklet, in small steps."""

from tophalf.kernel import *

STATUS, RX, DATA, LEVEL = 0x0, 0x1, 0x4, 0x8


def fifo_more(fifo):
    tasklet_schedule(fifo.tasklet)


def fifo_tasklet(tasklet):
    fifo = from_tasklet(tasklet)
    for i in range(4):
        fifo.last = read_reg(fifo, DATA)
    if read_reg(fifo, LEVEL):
        fifo.again += 1
    fifo_more(fifo)  # HERE


def fifo_irq(irq, dev):
    if not read_reg(dev, STATUS) & RX:
        return IRQ_NONE
    write_reg(dev, STATUS, RX)
    tasklet_schedule(dev.tasklet)
    return IRQ_HANDLED


def probe(dev):
    dev.again = 0
    tasklet_setup(dev.tasklet, fifo_tasklet)
    return request_irq(dev.irq, fifo_irq, IRQF_SHARED, "fifo", dev)


def remove(dev):
    free_irq(dev.irq, dev)
    tasklet_kill(dev.tasklet)
