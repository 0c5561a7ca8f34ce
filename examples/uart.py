"""Two UARTs on a shared line: the top half empties the FIFO under a lock that writers take too; a task echoes what came."""

from tophalf.kernel import *

SCENARIO = """
title = "Two serial ports on one line, at 115,200 baud"

[machine]
seconds = "100ms"

[[driver]]
name = "ttyS0"
irq = 24
flow = "level"
data = 4
start = 4
enable = 8
idle = 2
depth = 16
latency = "87us"
rate = 5000
arrivals = "poisson"

[[driver]]
name = "ttyS1"
irq = 24
flow = "level"
data = 4
start = 4
enable = 8
idle = 2
depth = 16
latency = "87us"
rate = 1000
arrivals = "poisson"
"""

STATUS, DATA, ENABLE = 0x0, 0x4, 0x8
RX_READY, TX_EMPTY = 0x1, 0x2
FIFO = 16


def receive(dev):
    for slot in range(FIFO):
        if not read_reg(dev, STATUS) & RX_READY:
            return
        dev.last = read_reg(dev, DATA)
        dev.received += 1
        dev.unread += 1


def transmit(dev):
    if dev.queued > 0:
        write_reg(dev, DATA, dev.next)
        dev.queued -= 1
        dev.sent += 1
    else:
        write_reg(dev, ENABLE, RX_READY)  # nothing to send: no interrupt for that


def uart_irq(irq, dev):
    status = read_reg(dev, STATUS) & read_reg(dev, ENABLE)  # an idle transmitter that is not enabled asks for nothing
    if not status & (RX_READY | TX_EMPTY):
        dev.not_mine += 1
        return IRQ_NONE
    spin_lock(dev.lock)
    if status & RX_READY:
        receive(dev)
    if status & TX_EMPTY:
        transmit(dev)
    spin_unlock(dev.lock)
    wake_up(dev.readers)
    return IRQ_HANDLED


def write(dev, data):
    flags = spin_lock_irqsave(dev.lock)
    dev.next = data
    dev.queued += 1
    write_reg(dev, ENABLE, RX_READY | TX_EMPTY)
    spin_unlock_irqrestore(dev.lock, flags)


def read(dev):
    wait_event(dev.readers, dev.unread > 0 or kthread_should_stop())
    if not dev.unread:
        return 0
    spin_lock_irq(dev.lock)
    data = dev.last
    dev.unread -= 1
    spin_unlock_irq(dev.lock)
    return data


def echo(dev):
    while not kthread_should_stop():
        data = read(dev)
        if data:
            write(dev, data)
    return 0


def probe(dev):
    spin_lock_init(dev.lock)
    init_waitqueue_head(dev.readers)
    error = request_irq(dev.irq, uart_irq, IRQF_SHARED | IRQF_TRIGGER_HIGH, "ttyS", dev)
    if error:
        return error
    write_reg(dev, ENABLE, RX_READY)
    dev.task = kthread_run(echo, dev, "echo")
    return 0


def remove(dev):
    write_reg(dev, ENABLE, 0)
    free_irq(dev.irq, dev)
    kthread_stop(dev.task)
