"""A watchdog whose work counts per-CPU pings."""

from tophalf.kernel import *

PING, STATUS, BITTEN = 0x0, 0x4, 0x1


def dog_ping(dog):
    local_bh_disable()
    this_cpu_inc(dog.pings)
    if read_reg(dog, STATUS) & BITTEN:
        dog.bites += 1
        write_reg(dog, STATUS, BITTEN)
    else:
        write_reg(dog, PING, 1)
    local_bh_enable()


def dog_work(work):
    dog = container_of(work)
    dog_ping(dog)
    if dog.running:
        schedule_delayed_work(dog.pinger, msecs_to_jiffies(1000))


def probe(dev):
    dev.bites = 0
    dev.running = 1
    INIT_DELAYED_WORK(dev.pinger, dog_work)
    schedule_delayed_work(dev.pinger, msecs_to_jiffies(1000))
    return 0


def remove(dev):
    dev.running = 0
    cancel_delayed_work_sync(dev.pinger)
