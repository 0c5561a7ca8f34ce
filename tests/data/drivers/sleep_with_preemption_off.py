"""A wait for a completion with preemption off."""

from tophalf.kernel import *

STATUS = 0x0
MINE = 0x1


def finish(dev):
    preempt_disable()
    this_cpu_inc(dev.calls)
    wait_for_completion(dev.done)  # BUG sleep
    preempt_enable()
