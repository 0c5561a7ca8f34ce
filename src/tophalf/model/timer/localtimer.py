"""The local timer interrupt: expired timers, the tick, and the softirqs TIMER (the wheel) and HRTIMER (hrtimers that want it).

kernel/time/hrtimer.c hrtimer_interrupt, hrtimer_run_softirq, kernel/time/timer.c update_process_times, __run_timers. One timer an
instruction, so that interrupts come between those of a softirq. Left out: giving
up after three looks (hang_detected).
"""

from tophalf import vocab
from tophalf.model.cputime import account_process_tick
from tophalf.model.fields import (
    C_CLOCK,
    C_CURRENT,
    C_HRTIMERS,
    C_IDLE,
    C_NEED_RESCHED,
    C_RESCHED_BY_IRQ,
    C_SOFT_TIMERS,
    C_TICK_DUE,
    C_WHEEL,
    C_WHEEL_CLK,
    C_WHEEL_RUNNING,
    CLOCK_FIRED,
    CLOCK_SOFT,
    COST_SIZE,
    COST_TIMER_TICK,
    DO_CALL,
    DO_DELAYED_WORK,
    DO_MAYDAY,
    DO_NAPI,
    DO_QUEUE_WORK,
    DO_WAKE,
    F_KIND,
    F_LEFT,
    F_PC,
    F_R1,
    FRAME_SIZE,
    G_BLOCK,
    G_COSTS,
    G_HZ_NS,
    G_NOW,
    H_ARG,
    H_CPU,
    H_DO,
    H_NEXT,
    IN_TASK,
    IN_WHEEL,
    K_WORKER,
    T_TIME,
)
from tophalf.model.ground.costs import cost
from tophalf.model.ground.jit import compiled
from tophalf.model.net.napi import napi_watchdog
from tophalf.model.ops import STRIDE
from tophalf.model.sched.contexts import call
from tophalf.model.sched.sched import in_user_mode, slice_is_over
from tophalf.model.sched.tick import clock_fires
from tophalf.model.sched.wakeup import wake
from tophalf.model.softirq.loadbalance import sched_balance_trigger
from tophalf.model.softirq.rcu import rcu_sched_clock_irq
from tophalf.model.softirq.softirq import mark_softirq
from tophalf.model.work.rescuers import pool_mayday_timeout
from tophalf.model.work.workexecute import source_fires
from tophalf.model.work.workpools import wq_worker_tick
from tophalf.model.work.workqueue import delayed_work_timer_fn


@compiled
def local_timer(m, cpu, frame):
    """The handler of LOCAL_TIMER_VECTOR. R1: one more than the time at which it looked (0: it looks now); what expired by then
    runs, one an instruction, in order of time. It looks again until nothing has expired meanwhile, then programs the device."""
    if m[frame + F_R1] == 0:
        m[frame + F_R1] = m[G_NOW] + 1
        if m[cpu + C_SOFT_TIMERS] and not m[cpu + C_CLOCK] & CLOCK_SOFT:
            m[cpu + C_CLOCK] |= CLOCK_SOFT
            mark_softirq(m, cpu, vocab.HRTIMER)
    timer, tick_ns, looked_ns = m[cpu + C_HRTIMERS], m[cpu + C_TICK_DUE], m[frame + F_R1]
    m[frame + F_PC] -= STRIDE
    if timer and m[timer + T_TIME] < looked_ns and (tick_ns == 0 or m[timer + T_TIME] <= tick_ns):
        expire_next(m, cpu, cpu + C_HRTIMERS)
    elif tick_ns and tick_ns < looked_ns:
        m[cpu + C_TICK_DUE] = 0
        tick(m, cpu, frame)
    elif timer or tick_ns or m[cpu + C_SOFT_TIMERS] and not m[cpu + C_CLOCK] & CLOCK_SOFT:
        m[frame + F_R1] = 0
    else:
        m[frame + F_PC] += STRIDE
        m[cpu + C_CLOCK] &= ~CLOCK_FIRED


@compiled
def tick(m, cpu, frame):
    """update_process_times."""
    account_process_tick(m, cpu, frame)
    m[frame + F_LEFT] += cost(m, m[G_COSTS] + COST_TIMER_TICK * COST_SIZE)
    if m[cpu + C_WHEEL]:
        mark_softirq(m, cpu, vocab.TIMER)
    if m[G_BLOCK]:
        rcu_sched_clock_irq(m, cpu, is_quiescent(m, cpu, frame - FRAME_SIZE))
    if slice_is_over(m, cpu):
        m[cpu + C_NEED_RESCHED] = 1
        m[cpu + C_RESCHED_BY_IRQ] = 1
    if m[m[cpu + C_CURRENT] + K_WORKER]:
        wq_worker_tick(m, cpu)
    if m[G_BLOCK]:
        sched_balance_trigger(m, cpu)


@compiled
def is_quiescent(m, cpu, found):
    """Whether a tick found (in that frame) user mode, or idle with no other interrupt on top."""
    return in_user_mode(m, cpu, found) or m[cpu + C_CURRENT] == m[cpu + C_IDLE] and m[found + F_KIND] == IN_TASK


@compiled
def run_timers(m, cpu, frame, which, done):
    """The softirqs TIMER and HRTIMER. which: the field of the CPU's list; done: where to go on when it is over."""
    timer = m[cpu + which]
    m[cpu + C_WHEEL_RUNNING] = 0
    if which == C_SOFT_TIMERS:
        run_soft_timers(m, cpu, frame, timer, done)
    elif timer:
        m[frame + F_PC] -= STRIDE
        m[cpu + C_WHEEL_CLK] = m[timer + T_TIME] // m[G_HZ_NS] + 1
        m[cpu + C_WHEEL_RUNNING] = timer
        expire_next(m, cpu, cpu + which)
    else:
        m[frame + F_PC] = done


@compiled
def run_soft_timers(m, cpu, frame, timer, done):
    """hrtimer_run_softirq. R1: as in local_timer; what expired since then has an interrupt of its own."""
    if m[frame + F_R1] == 0:
        m[frame + F_R1] = m[G_NOW] + 1
    if timer and m[timer + T_TIME] < m[frame + F_R1]:
        m[frame + F_PC] -= STRIDE
        expire_next(m, cpu, cpu + C_SOFT_TIMERS)
        return
    m[cpu + C_CLOCK] &= ~CLOCK_SOFT
    if timer:
        clock_fires(m, cpu)
    m[frame + F_PC] = done


@compiled
def expire_next(m, cpu, link):
    """Run the first that expired. A function of its own (DO_CALL) is called with the timer as its argument."""
    timer = m[link]
    m[link] = m[timer + H_NEXT]
    m[timer + H_CPU] = 0
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
