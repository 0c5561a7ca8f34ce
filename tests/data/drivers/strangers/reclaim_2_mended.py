"""A network file system: commits are in the reclaim path, the lease timer is a delayed work."""

from tophalf.kernel import *

LEASE, COMMIT = 0x0, 0x4


def lease_renew(work):
    fs = container_of(work)
    fs.lease += 1
    write_reg(fs, LEASE, fs.lease)


def fs_commit(work):
    fs = container_of(work)
    if fs.closing:
        flush_delayed_work(fs.renew)
    write_reg(fs, COMMIT, fs.lease)


def fs_open(dev):
    queue_delayed_work(dev.lease_wq, dev.renew, msecs_to_jiffies(1000))


def fs_close(dev):
    dev.closing = 1
    queue_work(dev.commit_wq, dev.commit)


def probe(dev):
    dev.closing = 0
    dev.lease = 0
    INIT_DELAYED_WORK(dev.renew, lease_renew)
    INIT_WORK(dev.commit, fs_commit)
    dev.lease_wq = alloc_ordered_workqueue("lease", WQ_MEM_RECLAIM)
    dev.commit_wq = alloc_workqueue("commit", WQ_MEM_RECLAIM | WQ_UNBOUND, 1)
    return 0
