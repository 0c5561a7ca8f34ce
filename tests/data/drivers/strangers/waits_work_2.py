"""A logger: a work writes out, another compacts, on a workqueue of its own."""

from tophalf.kernel import *

HEAD, COMPACT = 0x0, 0x4


def log_write(work):
    log = container_of(work)
    mutex_lock(log.lock)
    log.head += 1
    write_reg(log, HEAD, log.head)
    mutex_unlock(log.lock)


def log_sync(log):
    flush_workqueue(log.wq)  # HERE
    return log.head


def log_compact(work):
    log = container_of(work)
    head = log_sync(log)
    write_reg(log, COMPACT, head)


def log_append(dev, n):
    queue_work(dev.wq, dev.writer)
    if n > 100:
        queue_work(dev.wq, dev.compactor)


def probe(dev):
    mutex_init(dev.lock)
    dev.head = 0
    INIT_WORK(dev.writer, log_write)
    INIT_WORK(dev.compactor, log_compact)
    dev.wq = alloc_workqueue("log", 0, 0)
    if not dev.wq:
        return -ENOMEM
    return 0


def remove(dev):
    destroy_workqueue(dev.wq)
