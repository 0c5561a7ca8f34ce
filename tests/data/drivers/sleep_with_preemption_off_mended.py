"""A wait for a completion with preemption off. Mended."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def finish(dev):
    preempt_disable()
    this_cpu_inc(dev.calls)
    preempt_enable()
    wait_for_completion(dev.done)
