"""Threads of interrupt handlers. kernel/irq/handle.c __irq_wake_thread, kernel/irq/manage.c irq_thread.

A thread's frame has its action in F_ARG. It runs on the CPU that its line is for, and follows it. A forced thread (threadirqs,
PREEMPT_RT) runs the handler that was made for the hardirq, with bottom halves off and, without RT, interrupts too; what that
handler wants a thread for is done by a second one (irq/N-s-name). One that is to stop (`setupirq`) does first
what it was woken for. Left out: IRQCHIP_EOI_THREADED.
"""

from tophalf.model.fields import (
    A_ARG,
    A_IRQ,
    A_MASK,
    A_RUNTHREAD,
    A_SECONDARY,
    A_STOPPER,
    A_TASK,
    A_THREAD,
    A_THREAD_FLAGS,
    C_CURRENT,
    C_IRQS_OFF,
    C_ONLINE,
    D_CPU,
    D_ONESHOT_MASK,
    D_STATE,
    D_THREADS_ACTIVE,
    D_THREADS_HANDLED,
    DEAD,
    F_ARG,
    F_PC,
    F_R0,
    F_R1,
    IRQ_DISABLED,
    IRQ_HANDLED,
    IRQ_INPROGRESS,
    IRQ_WAKE_THREAD,
    IRQTF_AFFINITY,
    IRQTF_FORCED_THREAD,
    IRQTF_STOP,
    K_STATE,
    SLEEPING,
)
from tophalf.model.ground.jit import compiled
from tophalf.model.irq.irqdisable import wake_threads_waitq
from tophalf.model.irq.irqlines import unmask
from tophalf.model.ops import OP_IRQ_THREAD, OP_IRQ_THREAD_DONE, STRIDE
from tophalf.model.sched.contexts import call
from tophalf.model.sched.sched import schedule
from tophalf.model.sched.taskmove import leave_for
from tophalf.model.sched.wakeup import wake
from tophalf.model.softirq.bhlock import is_rt
from tophalf.model.softirq.softirq import local_bh_disable, local_bh_enable


@compiled
def wake_irq_thread(m, cpu, desc, action):
    """A handler wants its thread; once is enough until that has begun."""
    if m[action + A_TASK] == 0 or m[action + A_RUNTHREAD]:
        return
    m[action + A_RUNTHREAD] = 1
    m[desc + D_ONESHOT_MASK] |= m[action + A_MASK]
    m[desc + D_THREADS_ACTIVE] += 1
    wake(m, cpu, m[action + A_TASK])


@compiled
def execute_irq_thread(m, cpu, frame, op):
    """Instructions of irq_thread: wait for a wakeup and call the thread's function; afterwards let the line come again."""
    action = m[frame + F_ARG]
    if op == OP_IRQ_THREAD:
        irq_wait_for_interrupt(m, cpu, frame, action)
    elif op == OP_IRQ_THREAD_DONE:
        m[frame + F_R1] = m[frame + F_R0]
        handled(m, cpu, action, m[frame + F_R0])
    else:
        if m[frame + F_R1] == IRQ_WAKE_THREAD and m[action + A_SECONDARY]:
            wake_irq_thread(m, cpu, m[action + A_IRQ], m[action + A_SECONDARY])
        wake_threads_waitq(m, cpu, m[action + A_IRQ])


@compiled
def irq_wait_for_interrupt(m, cpu, frame, action):
    """Go where the line is, then run, or sleep until there is something to do."""
    if m[action + A_THREAD_FLAGS] & IRQTF_AFFINITY:
        m[action + A_THREAD_FLAGS] &= ~IRQTF_AFFINITY
        home = m[m[action + A_IRQ] + D_CPU]
        if home != cpu and m[home + C_ONLINE]:
            m[frame + F_PC] -= STRIDE
            leave_for(m, cpu, home)
            return
    forced = m[action + A_THREAD_FLAGS] & IRQTF_FORCED_THREAD
    if m[action + A_RUNTHREAD] == 0:
        m[frame + F_PC] -= STRIDE
        if m[action + A_THREAD_FLAGS] & IRQTF_STOP:
            kthread_exit(m, cpu, action)
        else:
            m[m[cpu + C_CURRENT] + K_STATE] = SLEEPING
            schedule(m, cpu, 0)
    elif not forced or local_bh_disable(m, cpu, frame):
        m[action + A_RUNTHREAD] = 0
        if forced and not is_rt(m):
            m[cpu + C_IRQS_OFF] = 1
        call(m, cpu, m[action + A_THREAD], m[action + A_ARG])


@compiled
def kthread_exit(m, cpu, action):
    """Its thread ends, and who waits for that goes on. It begins where it began, if the action is asked for again."""
    m[m[cpu + C_CURRENT] + K_STATE] = DEAD
    wake(m, cpu, m[action + A_STOPPER])
    schedule(m, cpu, 0)


@compiled
def handled(m, cpu, action, result):
    """irq_thread_fn, irq_forced_thread_fn: after the thread's function. Bottom halves may run before it waits again."""
    desc = m[action + A_IRQ]
    m[desc + D_THREADS_HANDLED] += result == IRQ_HANDLED
    finalize_oneshot(m, action)
    if m[action + A_THREAD_FLAGS] & IRQTF_FORCED_THREAD:
        if not is_rt(m):
            m[cpu + C_IRQS_OFF] = 0
        local_bh_enable(m, cpu)


@compiled
def finalize_oneshot(m, action):
    """irq_finalize_oneshot: the line is unmasked when the last of its threads is done, unless it is disabled.

    While the handler runs on another CPU, that unmasks it at its end.
    """
    desc = m[action + A_IRQ]
    if m[action + A_MASK] == 0 or m[action + A_RUNTHREAD]:
        return
    m[desc + D_ONESHOT_MASK] &= ~m[action + A_MASK]
    if m[desc + D_ONESHOT_MASK] == 0 and not m[desc + D_STATE] & (IRQ_DISABLED | IRQ_INPROGRESS):
        unmask(m, desc)
