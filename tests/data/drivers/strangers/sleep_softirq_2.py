"""A network card with a watchdog timer that resets a stuck transmitter."""

from tophalf.kernel import *

STATUS, TXDONE, TXHEAD, CTRL, RESET = 0x0, 0x1, 0x4, 0x8, 0x80


def nic_recover(nic):
    disable_irq(nic.irq)  # HERE
    write_reg(nic, CTRL, RESET)
    udelay(10)
    write_reg(nic, CTRL, 0)
    enable_irq(nic.irq)


def nic_watchdog(timer):
    nic = from_timer(timer)
    head = read_reg(nic, TXHEAD)
    if head == nic.last_head:
        nic_recover(nic)
    nic.last_head = head
    mod_timer(nic.watchdog, msecs_to_jiffies(500))


def nic_irq(irq, dev):
    write_reg(dev, STATUS, TXDONE)
    return IRQ_HANDLED


def probe(dev):
    dev.last_head = 0
    timer_setup(dev.watchdog, nic_watchdog, 0)
    err = request_irq(dev.irq, nic_irq, 0, "nic", dev)
    if err:
        return err
    mod_timer(dev.watchdog, msecs_to_jiffies(500))
    return 0


def remove(dev):
    timer_delete_sync(dev.watchdog)
    free_irq(dev.irq, dev)
