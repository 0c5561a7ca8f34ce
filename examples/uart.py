"""A UART on a shared line: the top half empties the FIFO under a lock that writers take too."""

from tophalf.kernel import *

STATUS, DATA, ENABLE = 0x0, 0x4, 0x8
RX_READY, TX_EMPTY = 0x1, 0x2
FIFO = 16


def receive(dev):
    for slot in range(FIFO):
        if not read_reg(dev, STATUS) & RX_READY:
            return
        dev.last = read_reg(dev, DATA)
        dev.received += 1


def transmit(dev):
    if dev.queued > 0:
        write_reg(dev, DATA, dev.next)
        dev.queued -= 1
    else:
        write_reg(dev, ENABLE, RX_READY)  # nothing to send: no interrupt for that


def uart_irq(irq, dev):
    status = read_reg(dev, STATUS)
    if not status & (RX_READY | TX_EMPTY):
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
    wait_event(dev.readers, dev.received > 0)
    spin_lock_irq(dev.lock)
    data = dev.last
    dev.received -= 1
    spin_unlock_irq(dev.lock)
    return data


def probe(dev):
    spin_lock_init(dev.lock)
    init_waitqueue_head(dev.readers)
    return request_irq(dev.irq, uart_irq, IRQF_SHARED | IRQF_TRIGGER_HIGH, "ttyS0", dev)


def remove(dev):
    write_reg(dev, ENABLE, 0)
    free_irq(dev.irq, dev)
