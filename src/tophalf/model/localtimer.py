"""The local timer interrupt: expired timers, the tick, and the TIMER softirq for timers of the wheel.

kernel/time/hrtimer.c hrtimer_interrupt, kernel/time/timer.c update_process_times, run_timer_softirq. Left out: RCU's and the load
balancer's softirqs, which the tick of a real kernel raises when they have something to do.
"""

from tophalf import vocab
from tophalf.model.costs import cost
from tophalf.model.fields import (
    C_HRTIMERS,
    C_NEED_RESCHED,
    C_RESCHED_BY_IRQ,
    C_TICK_DUE,
    C_WHEEL,
    COST_SIZE,
    COST_TIMER_TICK,
    DO_NAPI,
    DO_WAKE,
    F_LEFT,
    G_COSTS,
    H_ARG,
    H_DO,
    H_NEXT,
    IN_WHEEL,
)
from tophalf.model.jit import compiled
from tophalf.model.napi import napi_watchdog
from tophalf.model.sched import slice_is_over, wake
from tophalf.model.softirq import mark_softirq


@compiled
def local_timer(m, cpu, frame):
    """The handler of LOCAL_TIMER_VECTOR."""
    run_expired(m, cpu, cpu + C_HRTIMERS)
    if m[cpu + C_TICK_DUE]:
        m[cpu + C_TICK_DUE] = 0
        m[frame + F_LEFT] += cost(m, m[G_COSTS] + COST_TIMER_TICK * COST_SIZE)
        if slice_is_over(m, cpu):
            m[cpu + C_NEED_RESCHED] = 1
            m[cpu + C_RESCHED_BY_IRQ] = 1
    if m[cpu + C_WHEEL]:
        mark_softirq(m, cpu, vocab.TIMER)


@compiled
def run_expired(m, cpu, link):
    """Run what expired, in its order: hrtimers in hardirq, those of the wheel in softirq."""
    while m[link]:
        timer = m[link]
        m[link] = m[timer + H_NEXT]
        expire(m, cpu, timer)


@compiled
def expire(m, cpu, timer):
    what = m[timer + H_DO] & (IN_WHEEL - 1)
    if what == DO_WAKE:
        wake(m, cpu, m[timer + H_ARG])
    elif what == DO_NAPI:
        napi_watchdog(m, cpu, m[timer + H_ARG])
