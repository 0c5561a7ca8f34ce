"""The local timer interrupt: expired timers, the tick, and the softirqs TIMER (the wheel) and HRTIMER (hrtimers that want it).

kernel/time/hrtimer.c hrtimer_interrupt, hrtimer_run_softirq, kernel/time/timer.c update_process_times, run_timer_softirq. One timer
an instruction, so that interrupts come between those of a softirq. Left out: RCU's and the load balancer's softirqs, which a real
tick raises when they have something to do; timers that wait for jiffies to be a multiple of their wheel's level.
"""

from tophalf import vocab
from tophalf.model.contexts import call
from tophalf.model.costs import cost
from tophalf.model.cputime import account_process_tick
from tophalf.model.fields import (
    C_CURRENT,
    C_HRTIMERS,
    C_NEED_RESCHED,
    C_RESCHED_BY_IRQ,
    C_SOFT_TIMERS,
    C_TICK_DUE,
    C_WHEEL,
    COST_SIZE,
    COST_TIMER_TICK,
    DO_CALL,
    DO_DELAYED_WORK,
    DO_MAYDAY,
    DO_NAPI,
    DO_QUEUE_WORK,
    DO_WAKE,
    F_LEFT,
    F_PC,
    G_COSTS,
    H_ARG,
    H_DO,
    H_NEXT,
    IN_WHEEL,
    K_WORKER,
)
from tophalf.model.jit import compiled
from tophalf.model.napi import napi_watchdog
from tophalf.model.ops import STRIDE
from tophalf.model.rescuers import pool_mayday_timeout
from tophalf.model.sched import slice_is_over
from tophalf.model.softirq import mark_softirq
from tophalf.model.wakeup import wake
from tophalf.model.workexecute import source_fires
from tophalf.model.workpools import wq_worker_tick
from tophalf.model.workqueue import delayed_work_timer_fn


@compiled
def local_timer(m, cpu, frame):
    """The handler of LOCAL_TIMER_VECTOR: first what expired, one a time, then the tick."""
    if m[cpu + C_HRTIMERS]:
        m[frame + F_PC] -= STRIDE
        expire_next(m, cpu, cpu + C_HRTIMERS)
        return
    if m[cpu + C_SOFT_TIMERS]:
        mark_softirq(m, cpu, vocab.HRTIMER)
    if m[cpu + C_TICK_DUE]:
        m[cpu + C_TICK_DUE] = 0
        account_process_tick(m, cpu, frame)
        m[frame + F_LEFT] += cost(m, m[G_COSTS] + COST_TIMER_TICK * COST_SIZE)
        if slice_is_over(m, cpu):
            m[cpu + C_NEED_RESCHED] = 1
            m[cpu + C_RESCHED_BY_IRQ] = 1
        if m[m[cpu + C_CURRENT] + K_WORKER]:
            wq_worker_tick(m, cpu)
    if m[cpu + C_WHEEL]:
        mark_softirq(m, cpu, vocab.TIMER)


@compiled
def run_timers(m, cpu, frame, which, done):
    """The softirqs TIMER and HRTIMER. which: the field of the CPU's list; done: where to go on when it is empty."""
    if m[cpu + which]:
        m[frame + F_PC] -= STRIDE
        expire_next(m, cpu, cpu + which)
    else:
        m[frame + F_PC] = done


@compiled
def expire_next(m, cpu, link):
    """Run the first that expired. A function of its own (DO_CALL) is called with the timer as its argument."""
    timer = m[link]
    m[link] = m[timer + H_NEXT]
    what = m[timer + H_DO] & (IN_WHEEL - 1)
    if what == DO_WAKE:
        wake(m, cpu, m[timer + H_ARG])
    elif what == DO_NAPI:
        napi_watchdog(m, cpu, m[timer + H_ARG])
    elif what == DO_CALL:
        call(m, cpu, m[timer + H_ARG], timer)
    elif what == DO_DELAYED_WORK:
        delayed_work_timer_fn(m, cpu, m[timer + H_ARG])
    elif what == DO_QUEUE_WORK:
        source_fires(m, cpu, m[timer + H_ARG])
    elif what == DO_MAYDAY:
        pool_mayday_timeout(m, cpu, m[timer + H_ARG])
