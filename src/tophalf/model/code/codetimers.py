"""Timers and hrtimers of drivers that people write, as the running kernel has them.

kernel/time/timer.c mod_timer; kernel/time/hrtimer.c hrtimer_start_range_ns, hrtimer_forward, hrtimer_cancel, __run_hrtimer. A timer
of the wheel is `timers` and `wheel`; what deletes one are the instructions there. An hrtimer keeps in H_EXPIRES when it expires,
in ns, which may be over already, and in DT_RUNNING the CPU that runs its function. One that is late when it is started comes when
time passes. Left out: hrtimers that an idle CPU hands to another, hang_detected, the lock that lets who cancels sleep on
PREEMPT_RT: it looks again and again, as on other kernels.
"""

from tophalf.model.code.timingops import (
    CODE_HRTIMER_CANCEL,
    CODE_HRTIMER_DONE,
    CODE_HRTIMER_FORWARD,
    CODE_HRTIMER_RUNS,
    CODE_HRTIMER_START,
    CODE_JIFFIES,
    CODE_MOD_TIMER,
    CODE_TIMER_SETUP,
)
from tophalf.model.fields import F_R0, G_NOW, H_ARG, H_CPU, H_DO, H_EXPIRES
from tophalf.model.ground.jit import compiled
from tophalf.model.ground.queue import arm
from tophalf.model.sched.tick import jiffies, mod_timer, stop_timer
from tophalf.model.timer.timerfields import DT_DUE, DT_LATE_MAX, DT_LATE_SUM, DT_RUNNING, DT_RUNS
from tophalf.model.timer.timers import base_of, look_again

MODE_REL = 1
FAR = 1 << 60  # ns or jiffies: some decades; beyond, times would not fit


@compiled
def execute_timing(m, cpu, frame, local, op, x, y, z):
    """One instruction; `timingops` says what x, y and z are."""
    if op == CODE_JIFFIES:
        m[local + x] = jiffies(m)
    elif op == CODE_MOD_TIMER:
        m[local + x] = modify(m, cpu, y, m[local + z])
    elif op == CODE_HRTIMER_START:
        hrtimer_start(m, cpu, x, m[local + y], m[local + z])
    elif op == CODE_HRTIMER_FORWARD:
        m[local + x] = hrtimer_forward(m, y, m[local + z])
    elif op == CODE_HRTIMER_CANCEL:
        hrtimer_cancel(m, cpu, frame, x)
    elif op == CODE_HRTIMER_RUNS:
        begins(m, cpu, x)
    elif op == CODE_HRTIMER_DONE:
        ended(m, cpu, x, m[frame + F_R0])
    elif op == CODE_TIMER_SETUP:
        stop_timer(m, x)  # a kernel's list would be broken
        m[x + H_ARG] = y
        m[x + H_DO] = z


@compiled
def modify(m, cpu, timer, expires):
    """mod_timer; one that was never set up has no function, and is not started."""
    if m[timer + H_ARG] == 0:
        return 0
    return mod_timer(m, timer, base_of(m, cpu, timer), min(max(expires, 0), FAR))


@compiled
def hrtimer_start(m, cpu, timer, ns, mode):
    """On this CPU; on the one that runs its function while that runs."""
    if m[timer + H_ARG] == 0:
        return
    ns = min(max(ns, -FAR), FAR)
    m[timer + H_EXPIRES] = m[G_NOW] + ns if mode & MODE_REL else ns
    stop_timer(m, timer)
    enqueue(m, m[timer + DT_RUNNING] if m[timer + DT_RUNNING] else cpu, timer)


@compiled
def enqueue(m, cpu, timer):
    m[timer + H_CPU] = cpu
    arm(m, timer, max(m[timer + H_EXPIRES], m[G_NOW]))


@compiled
def hrtimer_forward(m, timer, period_ns):
    """To the first of its times that is to come; returns how many that were. Nothing for one that is pending: the kernel warns."""
    late_ns = m[G_NOW] - m[timer + H_EXPIRES]
    if late_ns < 0 or m[timer + H_CPU]:
        return 0
    period_ns = min(max(period_ns, 1), FAR)
    overruns = late_ns // period_ns + 1
    m[timer + H_EXPIRES] += overruns * period_ns
    return overruns


@compiled
def hrtimer_cancel(m, cpu, frame, timer):
    """R0: whether it was pending. While its function runs it waits, also for the function that it is called from."""
    if m[timer + DT_RUNNING]:
        look_again(m, cpu, frame, m[timer + DT_RUNNING])
    else:
        m[frame + F_R0] = stop_timer(m, timer)


@compiled
def begins(m, cpu, timer):
    """__run_hrtimer: its function is about to run; how late is that?"""
    late_ns = m[G_NOW] - m[timer + H_EXPIRES]
    m[timer + DT_RUNNING] = cpu
    m[timer + DT_DUE] = m[timer + H_EXPIRES]
    m[timer + DT_RUNS] += 1
    m[timer + DT_LATE_SUM] += late_ns
    m[timer + DT_LATE_MAX] = max(m[timer + DT_LATE_MAX], late_ns)


@compiled
def ended(m, cpu, timer, restart):
    """HRTIMER_RESTART: again, at the time that it has now; but for one that was started meanwhile."""
    m[timer + DT_RUNNING] = 0
    if restart and m[timer + H_CPU] == 0:
        enqueue(m, cpu, timer)
