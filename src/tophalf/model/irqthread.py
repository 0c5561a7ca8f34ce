"""Threads of interrupt handlers. kernel/irq/handle.c __irq_wake_thread, kernel/irq/manage.c irq_thread.

A thread's frame has its action in F_ARG. Forced threads (threadirqs) run the handler that was made for the hardirq, with bottom
halves off. Left out: threads that follow their line to another CPU, IRQF_PERCPU and per-CPU threads.
"""

from tophalf.model.contexts import call
from tophalf.model.fields import (
    A_ARG,
    A_FLAGS,
    A_IRQ,
    A_MASK,
    A_RUNTHREAD,
    A_TASK,
    A_THREAD,
    C_CURRENT,
    D_ONESHOT_MASK,
    D_STATE,
    D_THREADS_HANDLED,
    F_ARG,
    F_PC,
    F_R0,
    FORCED_THREAD,
    IRQ_DISABLED,
    IRQ_HANDLED,
    IRQ_INPROGRESS,
    IRQ_MASKED,
    K_STATE,
    SLEEPING,
)
from tophalf.model.irqlines import unmask
from tophalf.model.jit import compiled
from tophalf.model.ops import OP_IRQ_THREAD, STRIDE
from tophalf.model.sched import schedule
from tophalf.model.softirq import local_bh_disable, local_bh_enable
from tophalf.model.wakeup import wake


@compiled
def wake_irq_thread(m, cpu, desc, action):
    """A handler wants its thread; once is enough until that has begun."""
    if m[action + A_RUNTHREAD]:
        return
    m[action + A_RUNTHREAD] = 1
    m[desc + D_ONESHOT_MASK] |= m[action + A_MASK]
    wake(m, cpu, m[action + A_TASK])


@compiled
def execute_irq_thread(m, cpu, frame, op):
    """Instructions of irq_thread: wait for a wakeup and call the thread's function; afterwards let the line come again."""
    action = m[frame + F_ARG]
    if op == OP_IRQ_THREAD:
        if m[action + A_RUNTHREAD]:
            if m[action + A_FLAGS] & FORCED_THREAD and not local_bh_disable(m, cpu, frame):
                return
            m[action + A_RUNTHREAD] = 0
            call(m, cpu, m[action + A_THREAD], m[action + A_ARG])
        else:
            m[frame + F_PC] -= STRIDE
            m[m[cpu + C_CURRENT] + K_STATE] = SLEEPING
            schedule(m, cpu, 0)
    else:
        m[m[action + A_IRQ] + D_THREADS_HANDLED] += m[frame + F_R0] == IRQ_HANDLED
        finalize_oneshot(m, action)
        if m[action + A_FLAGS] & FORCED_THREAD:
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
    state = m[desc + D_STATE]
    if m[desc + D_ONESHOT_MASK] == 0 and state & IRQ_MASKED and not state & (IRQ_DISABLED | IRQ_INPROGRESS):
        unmask(m, desc)
