"""Where a task goes whose CPU is not there, or not for it.

kernel/sched/core.c is_cpu_allowed, select_task_rq, select_fallback_rq. A task of the model is bound to its CPU (its affinity is
that one); when it has lost that it may be anywhere, and stays where it was put, as nothing balances. Left out: cpusets, CPUs of one
node first, which matters only to tasks that may run on several.
"""

from tophalf.model.fields import (
    AFFINITY_BROKEN,
    C_BH_OWNER,
    C_BH_WAITERS,
    C_ONLINE,
    CPU_SIZE,
    G_CPUS,
    K_CPU,
    K_DELAYED,
    K_FLAGS,
    K_WAIT_NEXT,
    KERNEL_THREAD,
    PER_CPU_THREAD,
)
from tophalf.model.ground.jit import compiled
from tophalf.model.ground.kmsg import LOG_TASK_AFFINITY_BROKEN, log
from tophalf.model.irq.managefields import CPU_ACTIVE, CPU_OFFLINE, CPU_STARTING
from tophalf.model.sched.fair import move_sleeping


@compiled
def waits_for_bh(m, cpu, task):
    """PREEMPT_RT: whether a task wants a CPU's bottom halves off, asleep or woken to try again."""
    waiter = m[cpu + C_BH_WAITERS]
    while waiter and waiter != task:
        waiter = m[waiter + K_WAIT_NEXT]
    return waiter != 0


@compiled
def is_migration_disabled(m, cpu, task):
    """PREEMPT_RT: who has a CPU's bottom halves off, or waits for it, stays there."""
    return task == m[cpu + C_BH_OWNER] or waits_for_bh(m, cpu, task)


@compiled
def is_cpu_allowed(m, cpu, task):
    """Whether a task of this CPU may be on it as it is."""
    state, flags = m[cpu + C_ONLINE], m[task + K_FLAGS]
    if flags & PER_CPU_THREAD or is_migration_disabled(m, cpu, task):
        return state != CPU_OFFLINE
    if flags & KERNEL_THREAD:
        return state == CPU_ACTIVE or state == CPU_STARTING
    return state == CPU_ACTIVE


@compiled
def select_task_rq(m, task, home):
    """The CPU for a task that wakes and was at `home`. One that is on the queue there still stays on it."""
    if m[task + K_DELAYED] or is_cpu_allowed(m, home, task):
        return home
    target = select_fallback_rq(m, task)
    move_sleeping(m, task, target)
    return target


@compiled
def select_fallback_rq(m, task):
    """The first CPU that it may be on when it may be on any; the kernel says so of tasks that are no threads of its own."""
    if not m[task + K_FLAGS] & (KERNEL_THREAD | AFFINITY_BROKEN):
        log(m, m[task + K_CPU], LOG_TASK_AFFINITY_BROKEN, task)
    m[task + K_FLAGS] |= AFFINITY_BROKEN
    target = m[G_CPUS]
    while not is_cpu_allowed(m, target, task):
        target += CPU_SIZE
    return target
