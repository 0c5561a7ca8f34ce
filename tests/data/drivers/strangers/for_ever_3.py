"""A temperature poller on a delayed work."""

from tophalf.kernel import *

TEMP = 0x0
LIMIT = 90
PERIOD = 0


def temp_next(temp, delay):
    schedule_delayed_work(temp.poll, delay)  # HERE


def temp_poll(work):
    temp = container_of(work)
    value = read_reg(temp, TEMP)
    if value > LIMIT:
        temp.alarms += 1
    temp.value = value
    temp_next(temp, PERIOD)


def probe(dev):
    dev.alarms = 0
    dev.value = 0
    INIT_DELAYED_WORK(dev.poll, temp_poll)
    temp_next(dev, PERIOD)
    return 0


def remove(dev):
    cancel_delayed_work_sync(dev.poll)
