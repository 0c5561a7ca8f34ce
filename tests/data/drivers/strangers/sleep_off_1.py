"""A modem: the handshake must not be interrupted."""

from tophalf.kernel import *

CTRL, STATUS, ACK, HELLO = 0x0, 0x4, 0x1, 0x55


def modem_try(modem):
    write_reg(modem, CTRL, HELLO)
    udelay(5)
    return read_reg(modem, STATUS) & ACK


def modem_handshake(modem):
    flags = local_irq_save()
    ok = modem_try(modem)
    if not ok:
        write_reg(modem, CTRL, 0)
        usleep_range(100, 200)  # HERE
        ok = modem_try(modem)
    local_irq_restore(flags)
    return ok


def probe(dev):
    if not modem_handshake(dev):
        return -ENODEV
    dev.present = 1
    return 0
