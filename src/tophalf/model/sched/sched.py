"""The scheduler, as far as interrupt work competes with tasks: FIFO before fair, and fair by `fair`.

kernel/sched/core.c __schedule, balance_push; kernel/sched/rt.c; wakeups are in `wakeup`. A task stays on its CPU as long as that is
there. The stop class is FIFO above 99. Left out: balancing between CPUs, the deadline and idle classes, RR, the RT class's
throttling.
"""

from tophalf import vocab
from tophalf.model.cpu.fallback import is_migration_disabled
from tophalf.model.fields import (
    C_BH_OWNER,
    C_BH_WAITERS,
    C_CURRENT,
    C_FRAME,
    C_IDLE,
    C_IRQS_OFF,
    C_MANAGE,
    C_NEED_RESCHED,
    C_ONLINE,
    C_PREEMPT_COUNT,
    C_RAN_LAST,
    C_RESCHED_BY_IRQ,
    C_RT_HEAD,
    C_RUNNABLE,
    C_SWITCHES,
    COST_CACHE_COLD,
    COST_CONTEXT_SWITCH,
    COST_SIZE,
    F_CLASS,
    F_KIND,
    F_LEFT,
    F_PC,
    FIFO,
    G_COSTS,
    G_NOW,
    G_PREEMPT,
    G_SWITCH_BY_INTERRUPT,
    G_SWITCH_VOLUNTARY,
    G_THREADIRQS,
    IN_TASK,
    K_DELAYED,
    K_FLAGS,
    K_FRAME,
    K_NAME,
    K_PID,
    K_POLICY,
    K_PREEMPT_COUNT,
    K_STAMP,
    K_STATE,
    K_SWITCHES,
    K_VLAG,
    K_WOKEN_BY_IRQ,
    K_WORKER,
    KERNEL_THREAD,
    PER_CPU_THREAD,
    RTLOCK_WAIT,
    RUNNING,
    SOFTIRQ_MASK,
    TASK,
)
from tophalf.model.ground.costs import cost
from tophalf.model.ground.jit import compiled, inlined
from tophalf.model.ground.trace import emit
from tophalf.model.irq.managefields import CPU_DYING, P_CPUHP, P_PUSH, P_STOPPER, P_WAITS_EMPTY
from tophalf.model.ops import STRIDE
from tophalf.model.sched.contexts import charge
from tophalf.model.sched.fair import best_of, has_had_its_slice, starts, stays_on_queue, update_curr
from tophalf.model.sched.tick import start_tick
from tophalf.model.sched.wakeup import dequeue, enqueue, trace_priority, wake
from tophalf.model.work.workpools import wq_worker_running, wq_worker_sleeping

# CONFIG_PREEMPT_*: when a task that did not ask for it can be taken off its CPU
PREEMPT_NONE, PREEMPT_VOLUNTARY, PREEMPT_FULL, PREEMPT_RT = range(4)
TOLD = 0xFF  # of a task's state: RTLOCK_WAIT is told as BLOCKED
PREEMPTED = 0x100  # prev_state of a task that was preempted in the kernel (include/trace/events/sched.h, TASK_REPORT_MAX)


@compiled
def schedule(m, cpu, preempted):
    """Choose who runs (kernel/sched/core.c __schedule). preempted: whether it is left in the kernel without having asked."""
    charge(m, cpu)
    choose_and_switch(m, cpu, preempted)
    if m[cpu + C_ONLINE] == CPU_DYING:
        balance_push(m, cpu)


@compiled
def choose_and_switch(m, cpu, preempted):
    task = m[cpu + C_CURRENT]
    if m[task + K_WORKER] and m[task + K_STATE] != RUNNING and m[task + K_STATE] != RTLOCK_WAIT:
        wq_worker_sleeping(m, cpu, task)
    m[cpu + C_NEED_RESCHED] = 0
    by_irq = m[cpu + C_RESCHED_BY_IRQ]
    m[cpu + C_RESCHED_BY_IRQ] = 0
    chosen = choose(m, cpu, task if goes_on(m, cpu, task) else 0)
    if chosen != task:
        switch(m, cpu, task, chosen, preempted, by_irq)


@compiled
def balance_push(m, cpu):
    """On a CPU that goes offline: the stopper takes away whoever is chosen; the last one gone lets cpuhp/N go on.

    What belongs to the CPU stays, and on PREEMPT_RT who has its bottom halves off, who may not migrate.
    """
    task, block = m[cpu + C_CURRENT], m[cpu + C_MANAGE]
    if task == m[cpu + C_IDLE] or m[task + K_FLAGS] & PER_CPU_THREAD or is_migration_disabled(m, cpu, task):
        if m[block + P_WAITS_EMPTY] and task == m[cpu + C_IDLE] and is_empty(m, cpu):
            wake(m, cpu, m[block + P_CPUHP])
        return
    m[block + P_PUSH] = task
    wake(m, cpu, m[block + P_STOPPER])
    choose_and_switch(m, cpu, 0 if in_user_mode(m, cpu, m[cpu + C_FRAME]) else 1)


@compiled
def is_empty(m, cpu):
    """Whether nobody waits on a CPU's queue, nor for its bottom halves."""
    return m[cpu + C_RUNNABLE] == 0 and m[cpu + C_BH_OWNER] == 0 and m[cpu + C_BH_WAITERS] == 0


@compiled
def goes_on(m, cpu, task):
    """Whether the running task competes on: it can run, or is not let go yet."""
    if task == m[cpu + C_IDLE]:
        return False
    if m[task + K_POLICY] == FIFO:
        return m[task + K_STATE] == RUNNING
    if m[task + K_STATE] != RUNNING:
        return stays_on_queue(m, cpu, task)
    update_curr(m, cpu, task)
    return True


@compiled
def choose(m, cpu, running):
    """pick_next_task: FIFO first, then fair, then idle. running: the task that runs, 0 if it does not compete."""
    if running and (m[running + K_POLICY] == FIFO or m[cpu + C_RT_HEAD]):
        enqueue(m, cpu, running, 1)
        running = 0
    if m[cpu + C_RT_HEAD]:
        chosen = m[cpu + C_RT_HEAD]
        dequeue(m, cpu, chosen)
        return chosen
    return choose_fair(m, cpu, running)


@compiled
def choose_fair(m, cpu, running):
    """Among fair tasks; those that only waited to be owed something leave on their turn."""
    chosen = best_of(m, cpu, running)
    while chosen and m[chosen + K_DELAYED]:
        m[chosen + K_DELAYED] = 0
        m[chosen + K_VLAG] = 0
        if chosen == running:
            running = 0
        else:
            dequeue(m, cpu, chosen)
        chosen = best_of(m, cpu, running)
    if chosen == 0:
        return m[cpu + C_IDLE]
    if chosen != running:
        dequeue(m, cpu, chosen)
        if running:
            enqueue(m, cpu, running, 0)
        starts(m, chosen)
    return chosen


@compiled
def switch(m, cpu, task, chosen, preempted, by_irq):
    """kernel/sched/core.c context_switch. Interrupts are on afterwards."""
    could_run = m[task + K_STATE] == RUNNING
    if could_run and (by_irq or m[chosen + K_WOKEN_BY_IRQ]):
        m[G_SWITCH_BY_INTERRUPT] += 1
    else:
        m[G_SWITCH_VOLUNTARY] += 1
    m[chosen + K_WOKEN_BY_IRQ] = 0
    m[cpu + C_SWITCHES] += 1
    m[task + K_SWITCHES] += 1
    state = (m[task + K_STATE] & TOLD) + (PREEMPTED if could_run and preempted and task != m[cpu + C_IDLE] else 0)
    emit(m, cpu, vocab.SCHED_SWITCH, m[chosen + K_PID], state, trace_priority(m, chosen), m[chosen + K_NAME])
    m[task + K_FRAME] = m[cpu + C_FRAME]
    m[task + K_PREEMPT_COUNT] = m[cpu + C_PREEMPT_COUNT]
    m[cpu + C_CURRENT] = chosen
    m[cpu + C_FRAME] = m[chosen + K_FRAME]
    m[cpu + C_PREEMPT_COUNT] = m[chosen + K_PREEMPT_COUNT]
    m[cpu + C_IRQS_OFF] = 0
    m[chosen + K_STAMP] = m[G_NOW]
    if m[chosen + K_WORKER]:
        wq_worker_running(m, chosen)
    if chosen != m[cpu + C_IDLE]:
        m[m[cpu + C_FRAME] + F_LEFT] += cost(m, m[G_COSTS] + COST_CONTEXT_SWITCH * COST_SIZE)
        if not m[chosen + K_FLAGS] & KERNEL_THREAD and m[cpu + C_RAN_LAST] != chosen:
            m[m[cpu + C_FRAME] + F_LEFT] += cost(m, m[G_COSTS] + COST_CACHE_COLD * COST_SIZE)
            m[cpu + C_RAN_LAST] = chosen
        start_tick(m, cpu)


@compiled
def slice_is_over(m, cpu):
    """At a tick: whether the running task has to make room for another (scheduler_tick)."""
    current = m[cpu + C_CURRENT]
    if current == m[cpu + C_IDLE] or m[current + K_POLICY] == FIFO:
        return False
    charge(m, cpu)
    return has_had_its_slice(m, cpu, current)


@compiled
def in_user_mode(m, cpu, frame):
    return m[frame + F_CLASS] == TASK and m[frame + F_KIND] == IN_TASK and not m[m[cpu + C_CURRENT] + K_FLAGS] & KERNEL_THREAD


@inlined
def may_preempt(m, cpu, frame):
    """Whether the running context can be left for another task now: irqentry_exit_cond_resched, exit to user mode, idle.

    PREEMPT_RT: with bottom halves off, too; what they protect has a lock of its own there (`bhlock`).
    """
    count = m[cpu + C_PREEMPT_COUNT]
    if m[G_PREEMPT] == PREEMPT_RT:
        count &= ~SOFTIRQ_MASK
    if count or m[cpu + C_IRQS_OFF]:
        return False
    if m[cpu + C_CURRENT] == m[cpu + C_IDLE] or m[G_PREEMPT] >= PREEMPT_FULL:
        return True
    return in_user_mode(m, cpu, frame)


@compiled
def preempt(m, cpu, frame):
    """Leave the running context for another task: to user mode or idle by schedule, in the kernel by preempt_schedule_irq."""
    schedule(m, cpu, 0 if in_user_mode(m, cpu, frame) else 1)


@inlined
def forced_threads(m):
    """Whether softirqs and handlers are left to threads (threadirqs, PREEMPT_RT)."""
    return m[G_THREADIRQS] or m[G_PREEMPT] == PREEMPT_RT


@compiled
def might_sleep(m, cpu, frame):
    """might_resched: with voluntary preemption what may sleep lets others in first. Returns whether: `frame` begins again then."""
    if m[G_PREEMPT] != PREEMPT_VOLUNTARY or not m[cpu + C_NEED_RESCHED] or m[cpu + C_PREEMPT_COUNT] or m[cpu + C_IRQS_OFF]:
        return False
    m[frame + F_PC] -= STRIDE
    schedule(m, cpu, 1)
    return True
