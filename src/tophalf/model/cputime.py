"""Whose time a tick counts for: the columns of /proc/stat where interrupts are not timed by the clock.

kernel/sched/cputime.c account_process_tick, account_system_time. A tick is itself an interrupt and comes with interrupts on, so
it never finds another hardirq: their time falls to what the next tick finds. Several ticks that wait for interrupts to come on
are one. Left out: steal, guest time; how the columns are read is in `machine.cputimes`.
"""

from tophalf.model.fields import (
    C_CURRENT,
    C_IDLE,
    C_PREEMPT_COUNT,
    C_TICKS,
    FAIR,
    FRAME_SIZE,
    K_POLICY,
    K_PRIORITY,
    SOFTIRQ_OFFSET,
    TICK_IDLE,
    TICK_NICE,
    TICK_SOFTIRQ,
    TICK_SYSTEM,
    TICK_USER,
)
from tophalf.model.ground.jit import compiled
from tophalf.model.sched.sched import in_user_mode


@compiled
def account_process_tick(m, cpu, frame):
    """frame: of the local timer interrupt; below it is what the tick found."""
    task = m[cpu + C_CURRENT]
    if in_user_mode(m, cpu, frame - FRAME_SIZE):
        column = TICK_NICE if m[task + K_POLICY] == FAIR and m[task + K_PRIORITY] > 0 else TICK_USER
    elif m[cpu + C_PREEMPT_COUNT] & SOFTIRQ_OFFSET:
        column = TICK_SOFTIRQ
    elif task == m[cpu + C_IDLE]:
        column = TICK_IDLE
    else:
        column = TICK_SYSTEM
    m[cpu + C_TICKS + column] += 1
