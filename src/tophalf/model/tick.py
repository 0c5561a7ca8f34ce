"""The scheduler tick of each CPU, and timers that expire in its local timer interrupt.

kernel/time/tick-sched.c: a tick comes at the same moment on every CPU, at multiples of 1/HZ; an idle CPU's is stopped (NO_HZ_IDLE)
and started with the next task. jiffies follow the clock, whoever ticks.
"""

from tophalf.model.apic import latch
from tophalf.model.fields import (
    C_CURRENT,
    C_HRTIMERS,
    C_IDLE,
    C_SOFT_TIMERS,
    C_TICK,
    C_TICK_DUE,
    C_WHEEL,
    G_HZ_NS,
    G_NOHZ,
    G_NOW,
    H_CPU,
    H_DO,
    H_NEXT,
    IN_SOFTIRQ_TIMER,
    IN_WHEEL,
    T_SLOT,
)
from tophalf.model.ipi import LOCAL_TIMER_VECTOR
from tophalf.model.jit import compiled, inlined
from tophalf.model.queue import arm, cancel


@inlined
def jiffies(m):
    return m[G_NOW] // m[G_HZ_NS]


@compiled
def start_tick(m, cpu):
    """Let the tick come again, if it was stopped."""
    timer = cpu + C_TICK
    if m[timer + T_SLOT] == 0 and m[G_HZ_NS]:
        arm(m, timer, (m[G_NOW] // m[G_HZ_NS] + 1) * m[G_HZ_NS])


@compiled
def tick_arrives(m, cpu):
    """The clock event device fires."""
    if m[cpu + C_CURRENT] == m[cpu + C_IDLE] and m[G_NOHZ]:
        return
    start_tick(m, cpu)
    m[cpu + C_TICK_DUE] = 1
    latch(m, cpu, LOCAL_TIMER_VECTOR)


@compiled
def start_timer(m, timer, cpu, time_ns):
    """hrtimer_start, or mod_timer for one of the wheel, which expires at a tick: the first after its time is over."""
    m[timer + H_CPU] = cpu
    if m[timer + H_DO] & IN_WHEEL:
        time_ns = (time_ns // m[G_HZ_NS] + 1) * m[G_HZ_NS]
    arm(m, timer, time_ns)


@compiled
def del_timer(m, timer):
    """Stop a timer of the wheel. Returns whether it was still to come, or had come and its function not begun."""
    if m[timer + T_SLOT]:
        cancel(m, timer)
        return True
    link = m[timer + H_CPU] + C_WHEEL if m[timer + H_CPU] else 0
    while link and m[link] and m[link] != timer:
        link = m[link] + H_NEXT
    if link == 0 or m[link] == 0:
        return False
    m[link] = m[timer + H_NEXT]
    return True


@compiled
def timer_arrives(m, timer):
    """Its time has come: the local timer interrupt of its CPU will see to it."""
    cpu = m[timer + H_CPU]
    link = cpu + C_HRTIMERS
    if m[timer + H_DO] & IN_WHEEL:
        link = cpu + C_WHEEL
    elif m[timer + H_DO] & IN_SOFTIRQ_TIMER:
        link = cpu + C_SOFT_TIMERS
    while m[link]:
        link = m[link] + H_NEXT
    m[link] = timer
    m[timer + H_NEXT] = 0
    latch(m, cpu, LOCAL_TIMER_VECTOR)
