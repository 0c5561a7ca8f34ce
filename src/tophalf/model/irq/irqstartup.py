"""Lines that begin, or are switched on again. kernel/irq/chip.c irq_startup, kernel/irq/manage.c __enable_irq.

A managed line keeps a vector on each CPU of its mask from the beginning. It is shut down with the last of them (`cpuoffline`), and
who enables it then gets nothing before one is back. Left out: the kernel's warning about that.
"""

from tophalf.model.fields import (
    A_NEXT,
    A_SECONDARY,
    A_TASK,
    A_THREAD_FLAGS,
    D_ACTIONS,
    D_CPU,
    D_DEPTH,
    D_FLOW,
    D_IRQ,
    D_MANAGE,
    D_NEXT_CPU,
    FLOW_PERCPU,
    G_MANAGE,
    IRQTF_AFFINITY,
    K_CPU,
    K_STATE,
    SLEEPING,
)
from tophalf.model.ground.jit import compiled
from tophalf.model.ground.kmsg import LOG_UNBALANCED_ENABLE, log
from tophalf.model.irq.irqaffinity import assign_vector, irq_do_set_affinity, irq_setup_affinity
from tophalf.model.irq.irqdisable import check_irq_resend, irq_enable
from tophalf.model.irq.managefields import (
    I_AFFINITY,
    I_FLAGS,
    IRQD_MANAGED,
    IRQD_MANAGED_SHUTDOWN,
    IRQD_STARTED,
    M_MASK_WORDS,
    M_ONLINE,
    M_TARGETS,
)
from tophalf.model.irq.masks import intersects, mask_set
from tophalf.model.irq.matrix import irq_matrix_reserve_managed


@compiled
def irq_request(m, cpu, desc):
    """The first handler is installed: the line gets its CPU. Returns 0 or -errno."""
    line = m[desc + D_MANAGE]
    if m[desc + D_FLOW] == FLOW_PERCPU:
        place_threads(m, desc)
        return 0
    if m[line + I_FLAGS] & IRQD_MANAGED:
        error = irq_matrix_reserve_managed(m, m[line + I_AFFINITY])
        if error:
            return error
    elif m[desc + D_NEXT_CPU]:
        error = assign_first(m, desc)
        if error:
            return error
    error = irq_startup(m, cpu, desc)
    place_threads(m, desc)
    return error


@compiled
def assign_first(m, desc):
    """Where whoever built the machine wants it first."""
    targets = m[m[G_MANAGE] + M_TARGETS]
    for word in range(m[m[G_MANAGE] + M_MASK_WORDS]):
        m[targets + word] = 0
    mask_set(m, targets, m[desc + D_NEXT_CPU])
    return assign_vector(m, desc)


@compiled
def place_threads(m, desc):
    """Its threads, which count as awake so far that nobody wakes them, sleep there already when the run begins."""
    action = m[desc + D_ACTIONS]
    while action:
        place_thread(m, desc, action)
        if m[action + A_SECONDARY]:
            place_thread(m, desc, m[action + A_SECONDARY])
        action = m[action + A_NEXT]


@compiled
def place_thread(m, desc, action):
    task = m[action + A_TASK]
    if task:
        m[action + A_THREAD_FLAGS] &= ~IRQTF_AFFINITY
        m[task + K_STATE] = SLEEPING
        if m[desc + D_CPU]:
            m[task + K_CPU] = m[desc + D_CPU]


@compiled
def enable_irq(m, cpu, desc):
    """The last one lets the line through, and sends an edge again that came in between."""
    if m[desc + D_DEPTH] == 0:
        log(m, cpu, LOG_UNBALANCED_ENABLE, m[desc + D_IRQ])
    elif m[desc + D_DEPTH] == 1:
        irq_startup(m, cpu, desc)
    else:
        m[desc + D_DEPTH] -= 1


@compiled
def irq_startup(m, cpu, desc):
    """Let a line come, if it may: a managed one needs an online CPU of its mask. Returns 0 or -errno."""
    line = m[desc + D_MANAGE]
    m[desc + D_DEPTH] = 0
    if not m[line + I_FLAGS] & IRQD_STARTED:
        if m[line + I_FLAGS] & IRQD_MANAGED and not irq_startup_managed(m, line):
            return 0
        error = irq_place(m, cpu, desc, line)
        if error:
            return error
        m[line + I_FLAGS] |= IRQD_STARTED
    irq_enable(m, desc)
    check_irq_resend(m, desc)
    return 0


@compiled
def irq_startup_managed(m, line):
    """Whether one of its CPUs is there."""
    if intersects(m, m[line + I_AFFINITY], m[m[G_MANAGE] + M_ONLINE]):
        m[line + I_FLAGS] &= ~IRQD_MANAGED_SHUTDOWN
        return True
    m[line + I_FLAGS] |= IRQD_MANAGED_SHUTDOWN
    return False


@compiled
def irq_place(m, cpu, desc, line):
    """Give a line that starts its CPU. Returns 0 or -errno."""
    if m[line + I_FLAGS] & IRQD_MANAGED:
        return irq_do_set_affinity(m, cpu, desc, m[line + I_AFFINITY])
    return irq_setup_affinity(m, cpu, desc)
