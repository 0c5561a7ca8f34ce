"""A poller of a card without an interrupt."""

from tophalf.kernel import *

STATUS, BUSY, DATA = 0x0, 0x1, 0x4


def poll_work(work):
    card = container_of(work)
    if read_reg(card, STATUS) & BUSY:
        card.busy += 1
        queue_work(card.wq, card.poll)  # HERE
        return
    card.data = read_reg(card, DATA)
    queue_work(card.wq, card.poll)


def probe(dev):
    dev.busy = 0
    dev.wq = alloc_ordered_workqueue("poll", 0)
    if not dev.wq:
        return -ENOMEM
    INIT_WORK(dev.poll, poll_work)
    queue_work(dev.wq, dev.poll)
    return 0


def remove(dev):
    cancel_work_sync(dev.poll)
    destroy_workqueue(dev.wq)
