"""A link poller: a delayed work, until the link goes away."""

from tophalf.kernel import *

LINK, GONE = 0x0, 0x8


def poll_stop(link):
    link.polling = 0
    cancel_delayed_work(link.poll)


def link_poll(work):
    link = container_of(work)
    state = read_reg(link, LINK)
    if state & GONE:
        poll_stop(link)
        return
    link.state = state
    schedule_delayed_work(link.poll, msecs_to_jiffies(250))


def probe(dev):
    dev.polling = 1
    dev.state = 0
    INIT_DELAYED_WORK(dev.poll, link_poll)
    schedule_delayed_work(dev.poll, msecs_to_jiffies(250))
    return 0


def remove(dev):
    dev.polling = 0
    cancel_delayed_work_sync(dev.poll)
