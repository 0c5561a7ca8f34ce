"""A crypto engine: a kthread feeds it, a tasklet takes the results."""

from tophalf.kernel import *

STATUS, DONE, SRC, DST = 0x0, 0x1, 0x4, 0x8


def engine_done(tasklet):
    engine = from_tasklet(tasklet)
    spin_lock(engine.jobs)
    engine.inflight -= 1
    engine.result = read_reg(engine, DST)
    spin_unlock(engine.jobs)


def engine_irq(irq, dev):
    if not read_reg(dev, STATUS) & DONE:
        return IRQ_NONE
    write_reg(dev, STATUS, DONE)
    tasklet_hi_schedule(dev.tasklet)
    return IRQ_HANDLED


def engine_feed(dev):
    while not kthread_should_stop():
        spin_lock(dev.jobs)  # HERE
        if dev.inflight < 4:
            dev.inflight += 1
            write_reg(dev, SRC, dev.inflight)
        spin_unlock(dev.jobs)
        msleep(1)
    return 0


def probe(dev):
    spin_lock_init(dev.jobs)
    dev.inflight = 0
    tasklet_setup(dev.tasklet, engine_done)
    dev.task = kthread_run(engine_feed, dev, "engine")
    return request_irq(dev.irq, engine_irq, IRQF_SHARED, "engine", dev)
