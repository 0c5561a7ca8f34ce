"""The scheduler, as far as interrupt work competes with tasks: FIFO before fair, fair by virtual runtime.

kernel/sched/core.c __schedule, try_to_wake_up; kernel/sched/rt.c; kernel/sched/fair.c. Left out: EEVDF's deadlines (the task
with the least virtual runtime runs), load balancing between CPUs, groups, deadline and idle policies.
"""

from tophalf import vocab
from tophalf.model.contexts import charge
from tophalf.model.costs import cost
from tophalf.model.fields import (
    C_CURRENT,
    C_FAIR_HEAD,
    C_FRAME,
    C_IDLE,
    C_IRQS_OFF,
    C_MIN_VRUNTIME,
    C_NEED_RESCHED,
    C_NUMBER,
    C_PREEMPT_COUNT,
    C_RESCHED_BY_IRQ,
    C_RT_HEAD,
    C_RUNNABLE,
    C_SWITCHES,
    COST_CONTEXT_SWITCH,
    COST_SIZE,
    F_CLASS,
    F_KIND,
    F_LEFT,
    FAIR,
    FIFO,
    G_COSTS,
    G_NOW,
    G_PREEMPT,
    G_SWITCH_BY_INTERRUPT,
    G_SWITCH_VOLUNTARY,
    G_THREADIRQS,
    HARDIRQ_MASK,
    IN_TASK,
    K_CPU,
    K_FLAGS,
    K_FRAME,
    K_NAME,
    K_NEXT,
    K_ON_RQ,
    K_PID,
    K_POLICY,
    K_PREEMPT_COUNT,
    K_PRIORITY,
    K_STAMP,
    K_STATE,
    K_SWITCHES,
    K_VRUNTIME,
    K_WOKEN_BY_IRQ,
    NMI_MASK,
    RUNNING,
    SOFTIRQ_OFFSET,
    TASK,
)
from tophalf.model.ipi import RESCHEDULE_VECTOR, send_ipi
from tophalf.model.jit import compiled, inlined
from tophalf.model.tick import start_tick
from tophalf.model.trace import emit

# CONFIG_PREEMPT_*: when a task that did not ask for it can be taken off its CPU
PREEMPT_NONE, PREEMPT_VOLUNTARY, PREEMPT_FULL, PREEMPT_RT = range(4)
KERNEL_THREAD = 1  # K_FLAGS
PREEMPTED = 0x100  # prev_state of a task that could have gone on (include/trace/events/sched.h, TASK_REPORT_MAX)
WAKEUP_GRANULARITY_NS = 1_000_000  # kernel/sched/fair.c sysctl_sched_wakeup_granularity, before it is scaled by CPUs
SLEEPER_CREDIT_NS = 3_000_000  # half of sched_latency (6 ms): what a task may have slept off
SLICE_NS = 3_000_000  # kernel/sched/fair.c sysctl_sched_base_slice


@compiled
def enqueue(m, cpu, task, at_head):
    """Put a runnable task on its CPU's queue: by priority, or by virtual runtime. at_head: before its equals."""
    m[task + K_ON_RQ] = 1
    m[cpu + C_RUNNABLE] += 1
    link = cpu + (C_RT_HEAD if m[task + K_POLICY] == FIFO else C_FAIR_HEAD)
    while m[link] and not goes_before(m, task, m[link], at_head):
        link = m[link] + K_NEXT
    m[task + K_NEXT] = m[link]
    m[link] = task


@compiled
def goes_before(m, task, other, at_head):
    if m[task + K_POLICY] == FIFO:
        return m[task + K_PRIORITY] > m[other + K_PRIORITY] - at_head
    return m[task + K_VRUNTIME] < m[other + K_VRUNTIME] + at_head


@compiled
def take_next(m, cpu):
    """Take the task that runs next off the queue; the idle task when there is none."""
    link = cpu + (C_RT_HEAD if m[cpu + C_RT_HEAD] else C_FAIR_HEAD)
    task = m[link]
    if task == 0:
        return m[cpu + C_IDLE]
    m[link] = m[task + K_NEXT]
    m[task + K_ON_RQ] = 0
    m[cpu + C_RUNNABLE] -= 1
    if m[task + K_POLICY] == FAIR:
        m[cpu + C_MIN_VRUNTIME] = max(m[cpu + C_MIN_VRUNTIME], m[task + K_VRUNTIME])
    return task


@compiled
def schedule(m, cpu, preempted):
    """Choose who runs (kernel/sched/core.c __schedule). preempted: whether the running task could have gone on."""
    charge(m, cpu)
    task = m[cpu + C_CURRENT]
    m[cpu + C_NEED_RESCHED] = 0
    by_irq = m[cpu + C_RESCHED_BY_IRQ]
    m[cpu + C_RESCHED_BY_IRQ] = 0
    if m[task + K_STATE] == RUNNING and task != m[cpu + C_IDLE]:
        enqueue(m, cpu, task, preempted)
    chosen = take_next(m, cpu)
    if chosen != task:
        switch(m, cpu, task, chosen, preempted, by_irq)


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
    state = m[task + K_STATE] + (PREEMPTED if could_run and preempted and task != m[cpu + C_IDLE] else 0)
    emit(m, cpu, vocab.SCHED_SWITCH, m[chosen + K_PID], state, trace_priority(m, chosen), m[chosen + K_NAME])
    m[task + K_FRAME] = m[cpu + C_FRAME]
    m[task + K_PREEMPT_COUNT] = m[cpu + C_PREEMPT_COUNT]
    m[cpu + C_CURRENT] = chosen
    m[cpu + C_FRAME] = m[chosen + K_FRAME]
    m[cpu + C_PREEMPT_COUNT] = m[chosen + K_PREEMPT_COUNT]
    m[cpu + C_IRQS_OFF] = 0
    m[chosen + K_STAMP] = m[G_NOW]
    if chosen != m[cpu + C_IDLE]:
        m[m[cpu + C_FRAME] + F_LEFT] += cost(m, m[G_COSTS] + COST_CONTEXT_SWITCH * COST_SIZE)
        start_tick(m, cpu)


@compiled
def trace_priority(m, task):
    """prio as sched_switch tells it: 99 - rt_priority for FIFO, 120 for nice 0 and for idle."""
    if m[task + K_POLICY] == FIFO:
        return 99 - m[task + K_PRIORITY]
    return 120 + m[task + K_PRIORITY]


@compiled
def wake(m, cpu, task):
    """try_to_wake_up from `cpu`. Returns whether the task slept."""
    if m[task + K_STATE] == RUNNING:
        return False
    home = m[task + K_CPU]
    emit(m, cpu, vocab.SCHED_WAKING, m[task + K_PID], m[home + C_NUMBER], trace_priority(m, task), m[task + K_NAME])
    m[task + K_STATE] = RUNNING
    in_irq = m[cpu + C_PREEMPT_COUNT] & (HARDIRQ_MASK | NMI_MASK | SOFTIRQ_OFFSET)
    m[task + K_WOKEN_BY_IRQ] = 1 if in_irq else 0
    if m[task + K_POLICY] == FAIR:
        m[task + K_VRUNTIME] = max(m[task + K_VRUNTIME], m[home + C_MIN_VRUNTIME] - SLEEPER_CREDIT_NS)
    enqueue(m, home, task, 0)
    emit(m, cpu, vocab.SCHED_WAKEUP, m[task + K_PID], m[home + C_NUMBER], trace_priority(m, task), m[task + K_NAME])
    if preempts(m, home, task):
        resched(m, cpu, home, in_irq)
    return True


@compiled
def resched(m, cpu, home, in_irq):
    """kernel/sched/core.c resched_curr: mark the CPU, and tell it where it is another one."""
    if m[home + C_NEED_RESCHED] == 0:
        m[home + C_NEED_RESCHED] = 1
        m[home + C_RESCHED_BY_IRQ] = 1 if in_irq else 0
        if home != cpu:
            send_ipi(m, home, RESCHEDULE_VECTOR)


@compiled
def preempts(m, cpu, task):
    """Whether a task that woke may take the CPU from the one that runs (kernel/sched/fair.c check_preempt_wakeup_fair)."""
    current = m[cpu + C_CURRENT]
    if current == m[cpu + C_IDLE]:
        return True
    if m[task + K_POLICY] == FIFO:
        return m[current + K_POLICY] != FIFO or m[task + K_PRIORITY] > m[current + K_PRIORITY]
    if m[current + K_POLICY] == FIFO:
        return False
    charge(m, cpu)
    return m[current + K_VRUNTIME] - m[task + K_VRUNTIME] > WAKEUP_GRANULARITY_NS


@compiled
def slice_is_over(m, cpu):
    """At a tick: whether the running fair task has had its slice and another waits (entity_tick)."""
    current = m[cpu + C_CURRENT]
    if current == m[cpu + C_IDLE]:
        return False
    if m[current + K_POLICY] == FIFO:
        return False
    if m[cpu + C_RT_HEAD]:
        return True
    return m[cpu + C_FAIR_HEAD] != 0 and m[G_NOW] - m[current + K_STAMP] >= SLICE_NS


@inlined
def may_preempt(m, cpu, frame):
    """Whether the running context can be left for another task now: irqentry_exit_cond_resched, exit to user mode, idle."""
    if m[cpu + C_PREEMPT_COUNT] or m[cpu + C_IRQS_OFF]:
        return False
    if m[cpu + C_CURRENT] == m[cpu + C_IDLE] or m[G_PREEMPT] >= PREEMPT_FULL:
        return True
    user_mode = m[frame + F_CLASS] == TASK and m[frame + F_KIND] == IN_TASK
    return user_mode and not m[m[cpu + C_CURRENT] + K_FLAGS] & KERNEL_THREAD


@inlined
def forced_threads(m):
    """Whether softirqs and handlers are left to threads (threadirqs, PREEMPT_RT)."""
    return m[G_THREADIRQS] or m[G_PREEMPT] == PREEMPT_RT
