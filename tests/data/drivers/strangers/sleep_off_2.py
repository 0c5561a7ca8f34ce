"""A performance counter: per-CPU, so preemption stays off while it is read."""

from tophalf.kernel import *

COUNT, SELECT = 0x0, 0x4


def pmu_log(pmu, value):
    mutex_lock(pmu.log_lock)
    pmu.logged = value
    mutex_unlock(pmu.log_lock)


def pmu_read(dev, event):
    preempt_disable()
    cpu = smp_processor_id()
    write_reg(dev, SELECT, event + 16 * cpu)
    value = read_reg(dev, COUNT)
    if value > dev.limit:
        pmu_log(dev, value)  # HERE
        value = dev.limit
    preempt_enable()
    return value


def probe(dev):
    mutex_init(dev.log_lock)
    dev.limit = 1000000
    dev.base = pmu_read(dev, 0)
    return 0
