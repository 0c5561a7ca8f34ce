"""A poller of a card without an interrupt."""

from tophalf.kernel import *

STATUS, BUSY, DATA = 0x0, 0x1, 0x4


def poll_work(work):
    card = container_of(work)
    if read_reg(card, STATUS) & BUSY:
        card.busy += 1
        queue_delayed_work(card.wq, card.poll, msecs_to_jiffies(10))
        return
    card.data = read_reg(card, DATA)
    queue_delayed_work(card.wq, card.poll, msecs_to_jiffies(50))


def probe(dev):
    dev.busy = 0
    dev.wq = alloc_ordered_workqueue("poll", 0)
    if not dev.wq:
        return -ENOMEM
    INIT_DELAYED_WORK(dev.poll, poll_work)
    queue_delayed_work(dev.wq, dev.poll, msecs_to_jiffies(10))
    return 0


def remove(dev):
    cancel_delayed_work_sync(dev.poll)
    destroy_workqueue(dev.wq)
