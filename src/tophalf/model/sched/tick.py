"""The scheduler tick of each CPU, and timers that expire in its local timer interrupt: hrtimers here, the wheel's by `wheel`.

kernel/time/tick-sched.c: a tick comes at the same moment on every CPU, at multiples of 1/HZ; an idle CPU's is stopped (NO_HZ_IDLE)
and started with the next task. jiffies follow the clock, whoever ticks.
"""

from tophalf.model.cpu.ipi import LOCAL_TIMER_VECTOR
from tophalf.model.fields import (
    C_CLOCK,
    C_CURRENT,
    C_HRTIMERS,
    C_IDLE,
    C_NUMBER,
    C_SOFT_TIMERS,
    C_TICK,
    C_TICK_DUE,
    C_WHEEL,
    CLOCK_FIRED,
    CLOCK_SOFT,
    G_BLOCK,
    G_HEAP_COUNT,
    G_HZ_NS,
    G_JIFFIES,
    G_JIFFIES_END,
    G_NOHZ,
    G_NOW,
    H_CPU,
    H_DO,
    H_EXPIRES,
    H_NEXT,
    IN_SOFTIRQ_TIMER,
    IN_WHEEL,
    ON_HRTIMER,
    T_KIND,
    T_SLOT,
    T_TIME,
)
from tophalf.model.ground.jit import compiled, inlined
from tophalf.model.ground.lists import append
from tophalf.model.ground.queue import arm, cancel, pop, timer_at
from tophalf.model.irq.apic import latch
from tophalf.model.softirq.backgroundfields import BACKGROUND_ROW, BG_ROWS, BP_DONE, BP_NEXT, BP_WAIT
from tophalf.model.timer.wheel import enqueue_timer, keep_expired, stays_in_its_bucket


@inlined
def jiffies(m):
    if m[G_NOW] >= m[G_JIFFIES_END]:  # divide once a jiffy
        m[G_JIFFIES] = m[G_NOW] // m[G_HZ_NS]
        m[G_JIFFIES_END] = (m[G_JIFFIES] + 1) * m[G_HZ_NS]
    return m[G_JIFFIES]


@compiled
def start_tick(m, cpu):
    """Let the tick come again, if it was stopped."""
    timer = cpu + C_TICK
    if m[timer + T_SLOT] == 0 and m[G_HZ_NS]:
        arm(m, timer, (m[G_NOW] // m[G_HZ_NS] + 1) * m[G_HZ_NS])


@compiled
def tick_arrives(m, cpu):
    """The clock event device fires for the tick. An idle CPU keeps it where timers of the wheel have expired."""
    time_ns = m[cpu + C_TICK + T_TIME]
    if m[cpu + C_CURRENT] != m[cpu + C_IDLE] or m[G_NOHZ] == 0 or rcu_needs_cpu(m, cpu):
        start_tick(m, cpu)
    elif m[cpu + C_WHEEL] == 0:
        return
    m[cpu + C_TICK_DUE] = time_ns
    clock_fires(m, cpu)


@compiled
def rcu_needs_cpu(m, cpu):
    """Whether an idle CPU keeps its tick because it has callbacks of RCU."""
    if m[G_BLOCK] == 0:
        return False
    row = m[m[G_BLOCK] + BG_ROWS] + m[cpu + C_NUMBER] * BACKGROUND_ROW
    return m[row + BP_NEXT] + m[row + BP_WAIT] + m[row + BP_DONE] > 0


@compiled
def clock_fires(m, cpu):
    """One interrupt for all that expires before its handler is done: only that programs the device again (tick_program_event)."""
    if not m[cpu + C_CLOCK] & CLOCK_FIRED and latch(m, cpu, LOCAL_TIMER_VECTOR):
        m[cpu + C_CLOCK] |= CLOCK_FIRED


@compiled
def start_timer(m, timer, cpu, time_ns):
    """hrtimer_start; for a timer of the wheel mod_timer at the jiffy of that time: it expires at a tick after it, never too early.
    Returns whether it was pending."""
    if m[timer + H_DO] & IN_WHEEL:
        return mod_timer(m, timer, cpu, time_ns // m[G_HZ_NS])
    was_pending = stop_timer(m, timer)
    m[timer + H_CPU] = cpu
    arm(m, timer, max(time_ns, m[G_NOW]))
    return was_pending


@compiled
def mod_timer(m, timer, cpu, expires):
    """expires: a jiffy. Returns whether the timer was pending."""
    if stays_in_its_bucket(m, timer, cpu, expires):
        m[timer + H_EXPIRES] = expires
        return 1
    was_pending = stop_timer(m, timer)
    if enqueue_timer(m, timer, cpu, expires):
        start_tick(m, cpu)
    return was_pending


@compiled
def stop_timer(m, timer):
    """timer_delete, hrtimer_try_to_cancel: also one that expired and has not run. Returns whether it was pending."""
    cpu = m[timer + H_CPU]
    if cpu == 0:
        return 0
    m[timer + H_CPU] = 0
    if m[timer + T_SLOT]:
        cancel(m, timer)
    else:
        unlink(m, cpu + list_of(m, timer), timer)
    return 1


@compiled
def unlink(m, head, timer):
    """Take a timer out of a list of those that expired."""
    link, last = head, 0
    while m[link] and m[link] != timer:
        last = m[link]
        link = last + H_NEXT
    if m[link] == 0:
        return
    m[link] = m[timer + H_NEXT]
    if m[head + 1] == timer:
        m[head + 1] = last


@inlined
def list_of(m, timer):
    """The list of its CPU in which an expired timer waits."""
    if m[timer + H_DO] & IN_WHEEL:
        return C_WHEEL
    return C_SOFT_TIMERS if m[timer + H_DO] & IN_SOFTIRQ_TIMER else C_HRTIMERS


@compiled
def timer_arrives(m, timer):
    """Its time has come, and that of others at the same moment: the local timer interrupt of their CPUs will see to them all."""
    expire(m, timer)
    while m[G_HEAP_COUNT]:
        timer = timer_at(m, 1)
        if m[timer + T_TIME] != m[G_NOW] or m[timer + T_KIND] != ON_HRTIMER:
            return
        expire(m, pop(m))


@compiled
def expire(m, timer):
    """One of the wheel waits for the tick of this moment; an idle CPU's is programmed for it (tick_nohz_stop_tick). While HRTIMER
    is raised the device is not programmed for its timers (hrtimer_update_next_event)."""
    cpu, which = m[timer + H_CPU], list_of(m, timer)
    if which != C_WHEEL:
        append(m, cpu + which, cpu + which + 1, timer, H_NEXT)
        if which == C_HRTIMERS or not m[cpu + C_CLOCK] & CLOCK_SOFT:
            clock_fires(m, cpu)
        return
    keep_expired(m, cpu, timer)
    if m[cpu + C_TICK + T_SLOT] == 0:
        arm(m, cpu + C_TICK, m[G_NOW])
