"""A table of ports: names under a mutex, the table under a rwlock."""

from tophalf.kernel import *

MAX = 8
PORT = 0x20


def table_describe(dev, i):
    mutex_lock(dev.names)
    dev.described += i
    mutex_unlock(dev.names)


def table_find(dev, id):
    found = 0
    read_lock(dev.table)
    for i in range(MAX):
        if read_reg(dev, PORT + i) == id:
            found = i + 1
            break
    read_unlock(dev.table)
    if found:
        table_describe(dev, found - 1)
    return found


def table_set(dev, i, id):
    write_lock(dev.table)
    write_reg(dev, PORT + i, id)
    write_unlock(dev.table)


def probe(dev):
    rwlock_init(dev.table)
    mutex_init(dev.names)
    dev.described = 0
    table_set(dev, 0, 1)
    return 0
