"""Threads that stop where they are until their CPU is there again. kernel/kthread.c __kthread_parkme, kthread_unpark.

What a CPU's threads are asked is in its P_PARK, a bit each; who asked is woken when the thread parks. A parked thread is woken by
nothing but kthread_unpark.
"""

from tophalf.model.fields import BLOCKED, C_CURRENT, C_MANAGE, F_PC, K_STATE, PARKED
from tophalf.model.ground.jit import compiled
from tophalf.model.irq.managefields import P_PARK
from tophalf.model.ops import STRIDE
from tophalf.model.sched.sched import schedule
from tophalf.model.sched.wakeup import wake


@compiled
def kthread_should_park(m, cpu, bit):
    return m[m[cpu + C_MANAGE] + P_PARK] & bit


@compiled
def kthread_parkme(m, cpu, frame, waiter):
    """The running thread parks; it does its instruction again when it is let go. waiter: a task that waits for it, or 0."""
    m[frame + F_PC] -= STRIDE
    m[m[cpu + C_CURRENT] + K_STATE] = PARKED
    if waiter:
        wake(m, cpu, waiter)
    schedule(m, cpu, 0)


@compiled
def kthread_unpark(m, cpu, task):
    """Let a thread go on; its bit in P_PARK has been cleared."""
    if m[task + K_STATE] == PARKED:
        m[task + K_STATE] = BLOCKED
        wake(m, cpu, task)
