"""Skeletons of drivers in tophalf's Python form, a text for each mechanism; `tophalf lint` finds nothing in them.

@WORK_NS@ is what the work takes, @SLEEP@ what stands for a sleep. Leaves out: what the device is, errors of allocation, queues.
"""

from tophalf.advise.mechanisms import BH_WORK, HARDIRQ, NAPI, SOFTIRQ, TASKLET, THREAD, WORKQUEUE

_HEAD = '''"""@TITLE@"""

from tophalf.kernel import *

STATUS, READY, MASK = 0x0, 0x1, 0x4
WORK_NS = @WORK_NS@
'''

_TOP = '''

def mydev_irq(irq, dev):
    if not read_reg(dev, STATUS) & READY:
        return IRQ_NONE  # the line may be shared
    write_reg(dev, STATUS, READY)  # acknowledge: a level line would fire again
'''

_HARDIRQ = _TOP + """    dev.events += 1
    spend(WORK_NS)  # the work: interrupts are off
    return IRQ_HANDLED


def probe(dev):
    return request_irq(dev.irq, mydev_irq, 0, "mydev", dev)


def remove(dev):
    free_irq(dev.irq, dev)
"""

_THREAD = _TOP + """    return IRQ_WAKE_THREAD


def mydev_thread(irq, dev):
@BODY@    return IRQ_HANDLED


def probe(dev):
@INIT@    return request_threaded_irq(dev.irq, mydev_irq, mydev_thread, IRQF_ONESHOT, "mydev", dev)


def remove(dev):
    free_irq(dev.irq, dev)  # waits for the thread
"""

_SOFTIRQ = _TOP + """    raise_softirq(BLOCK_SOFTIRQ)  # what blk_mq_complete_request does where it is needed
    return IRQ_HANDLED


def mydev_done():
    spend(WORK_NS)  # interrupts are on, other CPUs may be here too; what takes over 100 us belongs in a work


def probe(dev):
    open_softirq(BLOCK_SOFTIRQ, mydev_done)  # the block layer's line, not a driver's
    return request_irq(dev.irq, mydev_irq, 0, "mydev", dev)


def remove(dev):
    free_irq(dev.irq, dev)
"""

_NAPI = """HEAD, DONE, RING = 0x8, 0xC, 256


def mydev_irq(irq, dev):
    if not read_reg(dev, STATUS) & READY:
        return IRQ_NONE  # the line may be shared
    write_reg(dev, MASK, READY)  # no more interrupts while it is polled
    napi_schedule(dev.napi)
    return IRQ_HANDLED


def mydev_poll(napi, budget):
    dev = container_of(napi)
    done = 0
    while done < budget and read_reg(dev, HEAD) != dev.tail:
        dev.tail = (dev.tail + 1) % RING
        spend(WORK_NS)  # a packet, up to napi_gro_receive
        dev.events += 1
        done += 1
    write_reg(dev, DONE, dev.tail)
    if done < budget and napi_complete_done(napi, done):
        write_reg(dev, MASK, 0)
    return done


def probe(dev):
    netif_napi_add(dev.napi, mydev_poll)
    napi_enable(dev.napi)
    return request_irq(dev.irq, mydev_irq, 0, "mydev", dev)


def remove(dev):
    free_irq(dev.irq, dev)
    napi_disable(dev.napi)
"""

_TASKLET = _TOP + """    tasklet_schedule(dev.tasklet)
    return IRQ_HANDLED


def mydev_tasklet(tasklet):
    dev = from_tasklet(tasklet)
    spend(WORK_NS)  # the work: it may not sleep
    dev.events += 1


def probe(dev):
    tasklet_setup(dev.tasklet, mydev_tasklet)
    return request_irq(dev.irq, mydev_irq, 0, "mydev", dev)


def remove(dev):
    free_irq(dev.irq, dev)  # first who schedules it, then the tasklet
    tasklet_kill(dev.tasklet)
"""

_BH_WORK = _TOP + """    queue_work(system_bh_wq, dev.work)
    return IRQ_HANDLED


def mydev_work(work):
    dev = container_of(work)
    spend(WORK_NS)  # the work: a softirq, it may not sleep
    dev.events += 1


def probe(dev):
    INIT_WORK(dev.work, mydev_work)
    return request_irq(dev.irq, mydev_irq, 0, "mydev", dev)


def remove(dev):
    free_irq(dev.irq, dev)  # first who queues it, then the work
    cancel_work_sync(dev.work)
"""

_WORKQUEUE = _TOP + """    queue_work(dev.wq, dev.work)
    return IRQ_HANDLED


def mydev_work(work):
    dev = container_of(work)
@BODY@

def probe(dev):
@INIT@    INIT_WORK(dev.work, mydev_work)
    dev.wq = alloc_workqueue("mydev", @FLAGS@, 0)
    return request_irq(dev.irq, mydev_irq, 0, "mydev", dev)


def remove(dev):
    free_irq(dev.irq, dev)  # first who queues it, then the work
    cancel_work_sync(dev.work)
    destroy_workqueue(dev.wq)
"""

SKELETONS = {
    HARDIRQ: _HARDIRQ, THREAD: _THREAD, SOFTIRQ: _SOFTIRQ, NAPI: _NAPI, TASKLET: _TASKLET, BH_WORK: _BH_WORK, WORKQUEUE: _WORKQUEUE,
}  # fmt: skip

SLEEPING = """    mutex_lock(dev.lock)
    spend(WORK_NS)  # the work: it may sleep
    dev.events += 1
    mutex_unlock(dev.lock)
"""
AWAKE = """    spend(WORK_NS)  # the work: it may sleep, should it ever have to
    dev.events += 1
"""
INIT_LOCK = "    mutex_init(dev.lock)\n"


def head():
    """What every skeleton begins with."""
    return _HEAD
