"""A serial EEPROM, written page by page."""

from tophalf.kernel import *

ADDR, DATA, STATUS, NACK = 0x0, 0x4, 0x8, 0x1


def eeprom_page(rom, page):
    write_reg(rom, ADDR, page)
    write_reg(rom, DATA, page)
    usleep_range(3000, 5000)
    if read_reg(rom, STATUS) & NACK:
        return -EIO
    return 0


def eeprom_write(dev, pages):
    mutex_lock(dev.bus)
    for page in range(pages):
        err = eeprom_page(dev, page)
        if err:
            return err  # HERE
        dev.written += 1
    mutex_unlock(dev.bus)
    return 0


def probe(dev):
    mutex_init(dev.bus)
    dev.written = 0
    return eeprom_write(dev, 1)
