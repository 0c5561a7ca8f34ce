"""Handlers that come and go while the machine runs: an action is put on its line, or taken off it.

kernel/irq/manage.c __setup_irq, __free_irq, kthread_stop of its threads; kernel/irq/chip.c irq_shutdown. The action and its threads
were laid out before (`requestirq.lay_out`), as request_irq's own checks have left it. A thread that
was not asked for is dead. Results are 0 or -errno. Left out: that a thread is made by kthreadd and runs once before it waits, a new
pid for it, the vector that a message's line gives back.
"""

from tophalf.model.fields import (
    A_ARG,
    A_FLAGS,
    A_MASK,
    A_NEXT,
    A_OTHER,
    A_RUNTHREAD,
    A_SECONDARY,
    A_STOPPER,
    A_TASK,
    A_THREAD_FLAGS,
    BLOCKED,
    C_CURRENT,
    CHIP_MSI,
    D_ACTIONS,
    D_CHIP,
    D_DEPTH,
    D_IRQ,
    D_MANAGE,
    D_ONESHOT,
    D_SPURIOUS_COUNT,
    D_STATE,
    D_UNHANDLED,
    D_VECTOR,
    DEAD,
    F_PC,
    IRQ_DISABLED,
    IRQ_INPROGRESS,
    IRQ_MASKED,
    IRQ_REPLAY,
    IRQ_SPURIOUS_DISABLED,
    IRQF_COND_ONESHOT,
    IRQF_NO_AUTOEN,
    IRQF_ONESHOT,
    IRQF_PERCPU,
    IRQF_SHARED,
    IRQF_TRIGGER_MASK,
    IRQTF_NO_HANDLER,
    IRQTF_STOP,
    K_STATE,
    RUNNING,
)
from tophalf.model.ground.jit import compiled
from tophalf.model.ground.kmsg import LOG_ALREADY_FREE, LOG_FLAGS_MISMATCH, LOG_NO_HANDLER, log
from tophalf.model.irq.irqstartup import enable_irq, irq_request, irq_startup, place_thread
from tophalf.model.irq.managefields import EBUSY, EINVAL, I_FLAGS, IRQD_STARTED
from tophalf.model.ops import STRIDE
from tophalf.model.sched.sched import schedule
from tophalf.model.sched.wakeup import wake

ALL_SAME = IRQF_ONESHOT | IRQF_PERCPU | IRQF_TRIGGER_MASK
THREADS_ALL = (1 << 63) - 1  # every bit of a thread mask that there is


@compiled
def is_on_line(m, desc, action):
    """Whether an action has been asked for, and was not freed since."""
    other = m[desc + D_ACTIONS]
    while other and other != action:
        other = m[other + A_NEXT]
    return other != 0


@compiled
def setup_irq(m, cpu, desc, action):
    """Put an action at the end of its line, which begins with the first one."""
    last = agrees(m, cpu, desc, action)
    if last < 0:
        return last
    is_first = last == desc + D_ACTIONS
    m[last] = action
    m[action + A_NEXT] = 0
    m[desc + D_SPURIOUS_COUNT] = 0
    m[desc + D_UNHANDLED] = 0
    set_threads(m, action, RUNNING)  # so that nobody wakes them while the line finds its CPU
    if is_first:
        error = begin(m, cpu, desc, action)
        if error:
            set_threads(m, action, DEAD)
            m[last] = 0
            return error
    elif m[desc + D_STATE] & IRQ_SPURIOUS_DISABLED:
        m[desc + D_STATE] &= ~IRQ_SPURIOUS_DISABLED
        enable_irq(m, cpu, desc)
    begin_threads(m, desc, action)
    return 0


@compiled
def agrees(m, cpu, desc, action):
    """Whether it goes with those who have the line, and the bit of its thread. Returns where it is to be linked, or -errno."""
    link, taken, flags = desc + D_ACTIONS, 0, m[action + A_FLAGS]
    while m[link]:
        old = m[link]
        theirs = m[old + A_FLAGS]
        if theirs & IRQF_ONESHOT and flags & IRQF_COND_ONESHOT:
            flags |= IRQF_ONESHOT
        if not theirs & flags & IRQF_SHARED or (theirs ^ flags) & ALL_SAME:
            m[action + A_OTHER] = old
            log(m, cpu, LOG_FLAGS_MISMATCH, action)
            return -EBUSY
        taken |= m[old + A_MASK]
        link = old + A_NEXT
    m[action + A_MASK] = 0
    if flags & IRQF_ONESHOT:
        if taken == THREADS_ALL:
            return -EBUSY
        m[action + A_MASK] = ~taken & taken + 1
    elif m[action + A_THREAD_FLAGS] & IRQTF_NO_HANDLER and m[desc + D_CHIP] != CHIP_MSI:
        log(m, cpu, LOG_NO_HANDLER, action)
        return -EINVAL
    m[action + A_FLAGS] = flags
    return link


@compiled
def begin(m, cpu, desc, action):
    """The line's first handler: it gets a vector if it has none, and comes from now on, but with IRQF_NO_AUTOEN."""
    m[desc + D_ONESHOT] = int(m[action + A_FLAGS] & IRQF_ONESHOT != 0)
    m[desc + D_STATE] &= ~(IRQ_SPURIOUS_DISABLED | IRQ_INPROGRESS)
    if m[action + A_FLAGS] & IRQF_NO_AUTOEN:
        m[desc + D_DEPTH] = 1
        return 0
    if m[desc + D_VECTOR]:
        return irq_startup(m, cpu, desc)
    return irq_request(m, cpu, desc)


@compiled
def set_threads(m, action, state):
    while action:
        if m[action + A_TASK]:
            m[m[action + A_TASK] + K_STATE] = state
        action = m[action + A_SECONDARY]


@compiled
def begin_threads(m, desc, action):
    """They sleep, and wait for their handler."""
    while action:
        m[action + A_THREAD_FLAGS] &= ~IRQTF_STOP
        m[action + A_RUNTHREAD] = 0
        place_thread(m, desc, action)
        action = m[action + A_SECONDARY]


@compiled
def remove_action(m, cpu, desc, device):
    """Take the first action of a device off its line. Returns it, 0 for none.

    A handler that runs now goes on to the actions after it. The line is shut down with its last one.
    """
    link = desc + D_ACTIONS
    while m[link] and m[m[link] + A_ARG] != device:
        link = m[link] + A_NEXT
    action = m[link]
    if action == 0:
        log(m, cpu, LOG_ALREADY_FREE, m[desc + D_IRQ])
        return 0
    m[link] = m[action + A_NEXT]
    if m[desc + D_ACTIONS] == 0:
        irq_shutdown(m, desc)
    return action


@compiled
def irq_shutdown(m, desc):
    """Nothing comes any more; who enables it now only lets it through to nobody."""
    line = m[desc + D_MANAGE]
    if m[line + I_FLAGS] & IRQD_STARTED:
        m[line + I_FLAGS] &= ~IRQD_STARTED
        m[desc + D_DEPTH] = 1
        m[desc + D_STATE] = m[desc + D_STATE] & ~IRQ_REPLAY | IRQ_DISABLED | IRQ_MASKED


@compiled
def stop_irq_thread(m, cpu, frame, action):
    """kthread_stop: wait until an action's thread has seen that it is to stop; it does first what it was woken for."""
    thread = m[action + A_TASK] if action else 0
    if thread == 0 or m[thread + K_STATE] == DEAD:
        return
    m[action + A_THREAD_FLAGS] |= IRQTF_STOP
    m[action + A_STOPPER] = m[cpu + C_CURRENT]
    m[frame + F_PC] -= STRIDE
    wake(m, cpu, thread)
    m[m[cpu + C_CURRENT] + K_STATE] = BLOCKED
    schedule(m, cpu, 0)
