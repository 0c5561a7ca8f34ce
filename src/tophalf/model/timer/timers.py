"""Timers of drivers: started, moved, deleted by programs; their functions run in the local timer interrupt or in a softirq.

kernel/time/timer.c mod_timer, timer_delete, timer_delete_sync; kernel/time/hrtimer.c hrtimer_start, hrtimer_forward_now. The timer
is the operand x. Results are in R0. Who waits for a function that it has interrupted, or is called from, waits for ever, as on a
kernel. Left out: timer_shutdown, waiting for the function of an hrtimer (but for drivers in Python: `codetimers`), slack.
"""

from tophalf.model.fields import (
    C_WHEEL_RUNNING,
    CPU_SIZE,
    F_LEFT,
    F_PC,
    F_R0,
    G_CPU_COUNT,
    G_CPUS,
    G_HZ_NS,
    G_NOW,
    H_CPU,
    H_DO,
    H_EXPIRES,
    IN_WHEEL,
    T_TIME,
)
from tophalf.model.ground.jit import compiled
from tophalf.model.ops import STRIDE
from tophalf.model.sched.tick import jiffies, mod_timer, start_timer, stop_timer
from tophalf.model.softirq.bhlock import is_rt
from tophalf.model.timer.timerfields import DT_CPU, DT_DUE, DT_FIRST, DT_LATE_MAX, DT_LATE_SUM, DT_RUNS
from tophalf.model.timer.timerops import (
    OP_HRTIMER_FORWARD,
    OP_HRTIMER_START,
    OP_MOD_TIMER,
    OP_TIMER_DELETE,
    OP_TIMER_DELETE_SYNC,
    OP_TIMER_RUNS,
)

RELAX_NS = 100  # between two looks of who waits for a function to end (cpu_relax); assumed
FOR_EVER_NS = 1_000_000  # between looks that never find anything new: the function is below, on the same CPU


@compiled
def execute_timer(m, cpu, frame, op, x, y):
    """x: a timer; y: jiffies or ns from now, or a period."""
    if op == OP_MOD_TIMER:
        m[frame + F_R0] = mod_timer(m, x, base_of(m, cpu, x), jiffies(m) + y)
    elif op == OP_TIMER_DELETE:
        m[frame + F_R0] = stop_timer(m, x)
    elif op == OP_TIMER_DELETE_SYNC:
        delete_sync(m, cpu, frame, x)
    elif op == OP_HRTIMER_START:
        m[frame + F_R0] = start_timer(m, x, cpu, m[G_NOW] + y)
    elif op == OP_HRTIMER_FORWARD:
        forward_now(m, cpu, frame, x, y)
    elif op == OP_TIMER_RUNS:
        count_run(m, x)


@compiled
def base_of(m, cpu, timer):
    """The CPU for a timer: this one, but while its function runs that one's, which keeps it from running twice at a time."""
    if m[timer + H_CPU] == 0:
        running = runs_on(m, timer)
        if running:
            return running
    return cpu


@compiled
def runs_on(m, timer):
    """The CPU on which a timer of the wheel runs its function, 0 for none (base->running_timer)."""
    cpu = m[G_CPUS]
    for _ in range(m[G_CPU_COUNT]):
        if m[cpu + C_WHEEL_RUNNING] == timer:
            return cpu
        cpu += CPU_SIZE
    return 0


@compiled
def delete_sync(m, cpu, frame, timer):
    """Also wait until its function has ended; it is deleted after that (try_to_del_timer_sync)."""
    running = runs_on(m, timer)
    if running:
        look_again(m, cpu, frame, running)
    else:
        m[frame + F_R0] = stop_timer(m, timer)


@compiled
def look_again(m, cpu, frame, running):
    """The function still runs, on the CPU `running`. On PREEMPT_RT it may have been preempted by who waits."""
    m[frame + F_LEFT] = FOR_EVER_NS if running == cpu and not is_rt(m) else RELAX_NS
    m[frame + F_PC] -= STRIDE


@compiled
def forward_now(m, cpu, frame, timer, period_ns):
    """hrtimer_forward_now and HRTIMER_RESTART: to the first of its times that is not over. R0: how many periods that were."""
    overruns = (m[G_NOW] - m[timer + T_TIME]) // period_ns + 1
    start_timer(m, timer, cpu, m[timer + T_TIME] + overruns * period_ns)
    m[frame + F_R0] = overruns


@compiled
def count_run(m, timer):
    """A driver's timer runs its function: how late is that?"""
    due_ns = m[timer + H_EXPIRES] * m[G_HZ_NS] if m[timer + H_DO] & IN_WHEEL else m[timer + T_TIME]
    m[timer + DT_DUE] = due_ns
    m[timer + DT_RUNS] += 1
    m[timer + DT_LATE_SUM] += m[G_NOW] - due_ns
    m[timer + DT_LATE_MAX] = max(m[timer + DT_LATE_MAX], m[G_NOW] - due_ns)


@compiled
def begin_timer(m, timer):
    """Before the run."""
    start_timer(m, timer, m[timer + DT_CPU], m[timer + DT_FIRST])
