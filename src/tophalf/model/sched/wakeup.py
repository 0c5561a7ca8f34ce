"""Wakeups: a task that can run goes on its CPU's queue, and takes the CPU from the one that runs where it may.

kernel/sched/core.c try_to_wake_up, wakeup_preempt, resched_curr. Apart from `sched`, so that what is called while a CPU switches
(concurrency-managed workers) can wake others. Left out: wakeups that are sent to the other CPU to be carried out there.
"""

from tophalf import vocab
from tophalf.model.cpu.fallback import select_task_rq
from tophalf.model.cpu.ipi import RESCHEDULE_VECTOR, send_ipi
from tophalf.model.fields import (
    C_CURRENT,
    C_IDLE,
    C_NEED_RESCHED,
    C_NUMBER,
    C_ONLINE,
    C_PREEMPT_COUNT,
    C_RESCHED_BY_IRQ,
    C_RT_HEAD,
    C_RUNNABLE,
    FAIR,
    FIFO,
    HARDIRQ_MASK,
    K_CPU,
    K_DELAYED,
    K_NAME,
    K_NEXT,
    K_ON_RQ,
    K_PID,
    K_POLICY,
    K_PRIORITY,
    K_STATE,
    K_TIMER,
    K_WOKEN_BY_IRQ,
    NMI_MASK,
    NOT_WOKEN,
    RESCHED,
    RESCHED_FROM_AFAR,
    RUNNING,
    SOFTIRQ_OFFSET,
)
from tophalf.model.ground.jit import compiled
from tophalf.model.ground.lists import unlink
from tophalf.model.ground.trace import emit
from tophalf.model.irq.managefields import CPU_ACTIVE
from tophalf.model.sched.contexts import charge
from tophalf.model.sched.fair import insert, move_sleeping, place_new, remove, update_curr, wakes, wakeup_preempts
from tophalf.model.sched.tick import stop_timer


@compiled
def wake(m, cpu, task):
    """try_to_wake_up from `cpu`, on the CPU where the task went to sleep. Returns whether it slept."""
    return wake_on(m, cpu, task, m[task + K_CPU])


@compiled
def wake_on(m, cpu, task, target):
    """try_to_wake_up of a task that may wake on another CPU, the target. sched_waking still names the one before."""
    if m[task + K_STATE] == RUNNING or m[task + K_STATE] >= NOT_WOKEN:
        return False
    home = m[task + K_CPU]
    emit(m, cpu, vocab.SCHED_WAKING, m[task + K_PID], m[home + C_NUMBER], trace_priority(m, task), m[task + K_NAME])
    if target != home:
        move_sleeping(m, task, target)
        home = target
    if m[home + C_ONLINE] != CPU_ACTIVE:
        home = select_task_rq(m, task, home)
    in_irq = m[cpu + C_PREEMPT_COUNT] & (HARDIRQ_MASK | NMI_MASK | SOFTIRQ_OFFSET)
    m[task + K_WOKEN_BY_IRQ] = 1 if in_irq else 0
    stop_timer(m, task + K_TIMER)  # woken early, it does not sleep on (schedule_hrtimeout)
    slice_is_over = activate(m, home, task)
    m[task + K_STATE] = RUNNING
    if slice_is_over or preempts(m, home, task):
        resched(m, cpu, home, in_irq)
    emit(m, cpu, vocab.SCHED_WAKEUP, m[task + K_PID], m[home + C_NUMBER], trace_priority(m, task), m[task + K_NAME])
    return True


@compiled
def activate(m, cpu, task):
    """Put a task that wakes on the queue of its CPU. Returns whether the one that runs has had its slice."""
    if m[task + K_POLICY] == FIFO:
        enqueue(m, cpu, task, 0)
        return False
    charge(m, cpu)
    running, slice_is_over = running_fair(m, cpu), False
    if running and not m[task + K_DELAYED]:  # enqueue_entity looks, requeue_delayed_entity does not
        slice_is_over = update_curr(m, cpu, running)
    if wakes(m, cpu, running, task):
        m[task + K_ON_RQ] = 1
        m[cpu + C_RUNNABLE] += 1
    return slice_is_over


@compiled
def preempts(m, cpu, task):
    """Whether a task that woke may take the CPU from the one that runs (wakeup_preempt)."""
    current = m[cpu + C_CURRENT]
    if current == m[cpu + C_IDLE]:
        return True
    if m[task + K_POLICY] == FIFO:
        return m[current + K_POLICY] != FIFO or m[task + K_PRIORITY] > m[current + K_PRIORITY]
    if m[current + K_POLICY] == FIFO or m[cpu + C_NEED_RESCHED]:
        return False
    return wakeup_preempts(m, cpu, current, task)


@compiled
def resched(m, cpu, home, in_irq):
    """kernel/sched/core.c resched_curr: mark the CPU, and tell it where it is another one. That sees the mark where it looks for
    it in any case: at the end of an interrupt, before it restarts softirqs, in a busy loop."""
    if m[home + C_NEED_RESCHED] == 0:
        m[home + C_NEED_RESCHED] = RESCHED if home == cpu else RESCHED_FROM_AFAR
        m[home + C_RESCHED_BY_IRQ] = 1 if in_irq else 0
        if home != cpu:
            send_ipi(m, home, RESCHEDULE_VECTOR)


@compiled
def enqueue(m, cpu, task, at_head):
    """Put a runnable task on its CPU's queue. at_head: one of the FIFO class before its equals, else after them."""
    m[task + K_ON_RQ] = 1
    m[cpu + C_RUNNABLE] += 1
    if m[task + K_POLICY] != FIFO:
        insert(m, cpu, task)
        return
    link = cpu + C_RT_HEAD
    while m[link] and m[m[link] + K_PRIORITY] > m[task + K_PRIORITY] - 1 + at_head:
        link = m[link] + K_NEXT
    m[task + K_NEXT] = m[link]
    m[link] = task


@compiled
def dequeue(m, cpu, task):
    """Take a task off its CPU's queue."""
    m[task + K_ON_RQ] = 0
    m[cpu + C_RUNNABLE] -= 1
    if m[task + K_POLICY] != FIFO:
        remove(m, cpu, task)
        return
    unlink(m, cpu + C_RT_HEAD, task, K_NEXT)


@compiled
def start_task(m, cpu, task):
    """A task that can run from the beginning."""
    if m[task + K_POLICY] == FAIR:
        place_new(m, cpu, running_fair(m, cpu), task)
    enqueue(m, cpu, task, 0)
    if preempts(m, cpu, task):
        resched(m, cpu, cpu, 0)


@compiled
def running_fair(m, cpu):
    """The task that runs, if it competes in the fair class, also while it is about to sleep; else 0."""
    current = m[cpu + C_CURRENT]
    return current if m[current + K_POLICY] == FAIR else 0


@compiled
def trace_priority(m, task):
    """prio as sched_switch tells it: 99 - rt_priority for FIFO (0 for the stop class), 120 for nice 0 and for idle."""
    if m[task + K_POLICY] == FIFO:
        return max(99 - m[task + K_PRIORITY], 0)
    return 120 + m[task + K_PRIORITY]
