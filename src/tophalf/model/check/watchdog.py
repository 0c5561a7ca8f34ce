"""The kernel's watchdogs: hard and soft lockups of CPUs, tasks that hang.

kernel/watchdog.c watchdog_timer_fn, softlockup_fn, is_softlockup; kernel/watchdog_perf.c; kernel/hung_task.c. Each CPU has an
hrtimer that runs each 4 s. It wakes migration/N, above all tasks, which notes the time; where it could not for more than 20 s there
is a soft lockup. An NMI each 10 s finds a hard lockup where the hrtimer has not run since the NMI before. khungtaskd looks each
120 s for tasks that have slept in D state since a look 120 s ago.

Left out: what the NMI costs (a scenario's [[nmi]] has it), and that its counter counts cycles: it goes by the clock and skips what
falls due while the CPU is idle (as `nmi`); khungtaskd's own time and the timer wheel's rounding of its sleep; the buddy detector.
"""

from tophalf.model.check.complain import complain, complain_of_task
from tophalf.model.check.watchfields import (
    CODE_WATCHDOG,
    HARD_LOCKUP,
    HU_SWITCHES,
    HU_TIME,
    HUNG_ROW,
    HUNG_TASK,
    SOFT_LOCKUP,
    WATCHDOG_ROW,
    WD_INTERRUPTS,
    WD_PERIOD,
    WD_SAVED,
    WD_STOPPER,
    WD_TOUCH,
    WD_WARNED,
    WT_HUNG,
    WT_NMI,
    WT_ROWS,
    WT_TASKS,
)
from tophalf.model.fields import (
    BLOCKED,
    C_CURRENT,
    C_FRAME,
    C_IDLE,
    CPU_SIZE,
    F_KIND,
    G_CPU_COUNT,
    G_CPUS,
    G_MANAGE,
    G_NOW,
    IN_TASK,
    K_STATE,
    K_SWITCHES,
    K_TIMER,
    SLEEPING,
    T_TIME,
)
from tophalf.model.ground.jit import compiled
from tophalf.model.ground.queue import arm
from tophalf.model.irq.managefields import M_TASK_COUNT, M_TASKS
from tophalf.model.sched.tick import start_timer
from tophalf.model.sched.wakeup import wake

SECOND_NS = 10**9
THRESH_S = 10  # watchdog_thresh
SOFT_S = 2 * THRESH_S  # get_softlockup_thresh
SAMPLE_NS = 4 * SECOND_NS  # set_sample_period: a fifth of that
HUNG_S = 120  # sysctl_hung_task_timeout_secs; looks are as far apart (hung_task_check_interval_secs 0)


@compiled
def begin_watch(m, watch):
    """Before the run, as at boot."""
    cpu, row = m[G_CPUS], m[watch + WT_ROWS]
    for _ in range(m[G_CPU_COUNT]):
        start_timer(m, m[row + WD_STOPPER] + K_TIMER, cpu, SAMPLE_NS)
        cpu += CPU_SIZE
        row += WATCHDOG_ROW
    arm(m, watch + WT_NMI, THRESH_S * SECOND_NS)
    arm(m, watch + WT_HUNG, HUNG_S * SECOND_NS)


@compiled
def timestamp(m):
    """kernel/watchdog.c get_timestamp: seconds, about: 2**30 ns each."""
    return m[G_NOW] >> 30


@compiled
def execute_watchdog(m, cpu, op, row):
    """The hrtimer, in a hardirq; softlockup_fn, by the stopper."""
    if op == CODE_WATCHDOG:
        watchdog_timer_fn(m, cpu, row)
    else:
        m[row + WD_TOUCH] = m[row + WD_PERIOD] = timestamp(m)


@compiled
def watchdog_timer_fn(m, cpu, row):
    """It goes on whether the stopper has run or not; what is stuck is said again after as long as the first time."""
    stopper, now = m[row + WD_STOPPER], timestamp(m)
    m[row + WD_INTERRUPTS] += 1
    if m[stopper + K_STATE] == SLEEPING:
        wake(m, cpu, stopper)
    start_timer(m, stopper + K_TIMER, cpu, (m[G_NOW] // SAMPLE_NS + 1) * SAMPLE_NS)  # hrtimer_forward_now
    if now > m[row + WD_PERIOD] + SOFT_S:
        m[row + WD_PERIOD] = now
        complain(m, cpu, SOFT_LOCKUP, m[cpu + C_CURRENT], now - m[row + WD_TOUCH], 0)


@compiled
def watch_looks(m, watch, timer):
    """An event of the watch: NMIs of all CPUs, or khungtaskd."""
    if timer == watch + WT_NMI:
        arm(m, timer, m[timer + T_TIME] + THRESH_S * SECOND_NS)
        check_hard_lockups(m, watch)
    else:
        arm(m, timer, m[timer + T_TIME] + HUNG_S * SECOND_NS)
        check_hung_tasks(m, watch)


@compiled
def check_hard_lockups(m, watch):
    """watchdog_overflow_callback, is_hardlockup on each CPU that is not halted."""
    cpu, row = m[G_CPUS], m[watch + WT_ROWS]
    for number in range(m[G_CPU_COUNT]):
        if m[cpu + C_CURRENT] != m[cpu + C_IDLE] or m[m[cpu + C_FRAME] + F_KIND] != IN_TASK:
            stuck = int(m[row + WD_SAVED] == m[row + WD_INTERRUPTS])
            if stuck and not m[row + WD_WARNED]:
                complain(m, cpu, HARD_LOCKUP, m[cpu + C_CURRENT], number, 0)
            m[row + WD_WARNED] = stuck
            m[row + WD_SAVED] = m[row + WD_INTERRUPTS]
        cpu += CPU_SIZE
        row += WATCHDOG_ROW


@compiled
def check_hung_tasks(m, watch):
    """check_hung_uninterruptible_tasks, check_hung_task."""
    row = m[watch + WT_TASKS]
    for number in range(m[m[G_MANAGE] + M_TASK_COUNT]):
        task = m[m[m[G_MANAGE] + M_TASKS] + number]
        if m[task + K_STATE] == BLOCKED and m[task + K_SWITCHES]:
            if m[task + K_SWITCHES] != m[row + HU_SWITCHES]:
                m[row + HU_SWITCHES] = m[task + K_SWITCHES]
                m[row + HU_TIME] = m[G_NOW]
            elif m[G_NOW] >= m[row + HU_TIME] + HUNG_S * SECOND_NS:
                complain_of_task(m, task, HUNG_TASK, task, (m[G_NOW] - m[row + HU_TIME]) // SECOND_NS, 0)
        row += HUNG_ROW
