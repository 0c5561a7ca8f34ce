"""Which CPU a line is for: the mask that is asked for, and the one CPU and vector it gets.

kernel/irq/manage.c irq_do_set_affinity, irq_set_affinity_locked, irq_setup_affinity; kernel/irq/proc.c write_irq_affinity;
arch/x86/kernel/apic/vector.c assign_vector_locked, assign_managed_vector, apic_update_vector, __vector_cleanup; drivers/iommu
(interrupt remapping). Functions return 0 or -errno. Left out: global reservations, affinity notifiers, chips that
can target more than one CPU, 6.1's cleanup by an interrupt of its own (here by a timer, as since 6.7).
"""

from tophalf.model.fields import (
    A_NEXT,
    A_SECONDARY,
    A_TASK,
    A_THREAD_FLAGS,
    C_MANAGE,
    C_ONLINE,
    C_VECTORS,
    D_ACTIONS,
    D_CPU,
    D_FLOW,
    D_MANAGE,
    D_MOVING,
    D_VECTOR,
    FLOW_PERCPU,
    G_HZ_NS,
    G_KERNEL,
    G_MANAGE,
    G_NOW,
    IRQTF_AFFINITY,
    T_SLOT,
)
from tophalf.model.ground.jit import compiled
from tophalf.model.irq.apic import is_latched
from tophalf.model.irq.managefields import (
    EBUSY,
    EINVAL,
    EIO,
    EPERM,
    I_AFFINITY,
    I_CLEANUP_NEXT,
    I_FLAGS,
    I_NODE_MASK,
    I_ON_CLEANUP,
    I_PENDING_MASK,
    I_PREV_CPU,
    I_PREV_VECTOR,
    IRQD_AFFINITY_SET,
    IRQD_MANAGED,
    IRQD_MOVE_PCNTXT,
    IRQD_NO_BALANCING,
    IRQD_STARTED,
    M_DEFAULT,
    M_HOUSEKEEPING,
    M_ONLINE,
    M_PROGRAMMED,
    M_TARGETS,
    MOVE_IN_PROGRESS,
    P_CLEANUP,
    P_CLEANUP_TIMER,
    SETAFFINITY_PENDING,
)
from tophalf.model.irq.masks import intersects, mask_and, mask_copy, mask_has
from tophalf.model.irq.matrix import irq_matrix_alloc, irq_matrix_alloc_managed, irq_matrix_free
from tophalf.model.sched.fair import KERNEL_6_1
from tophalf.model.sched.tick import start_timer
from tophalf.model.sched.wakeup import wake


@compiled
def write_irq_affinity(m, cpu, desc, mask):
    """A write to /proc/irq/N/smp_affinity by a task on `cpu`."""
    if m[desc + D_FLOW] == FLOW_PERCPU or m[m[desc + D_MANAGE] + I_FLAGS] & (IRQD_MANAGED | IRQD_NO_BALANCING):
        return -EIO if m[G_KERNEL] <= KERNEL_6_1 else -EPERM
    if not intersects(m, mask, m[m[G_MANAGE] + M_ONLINE]):
        return -EINVAL
    return irq_set_affinity(m, cpu, desc, mask)


@compiled
def irq_set_affinity(m, cpu, desc, mask):
    """irq_set_affinity_locked: at once where interrupts are remapped, else when the line next comes."""
    line = m[desc + D_MANAGE]
    error = 0
    if not m[line + I_FLAGS] & IRQD_STARTED:
        mask_copy(m, m[line + I_AFFINITY], mask)
    elif m[line + I_FLAGS] & IRQD_MOVE_PCNTXT and not m[desc + D_MOVING] & SETAFFINITY_PENDING:
        error = irq_do_set_affinity(m, cpu, desc, mask)
        if error == -EBUSY:
            error = set_pending(m, desc, mask)
    else:
        error = set_pending(m, desc, mask)
    m[line + I_FLAGS] |= IRQD_AFFINITY_SET
    return error


@compiled
def set_pending(m, desc, mask):
    """irq_set_affinity_pending: the mask waits for the line's next interrupt."""
    m[desc + D_MOVING] |= SETAFFINITY_PENDING
    mask_copy(m, m[m[desc + D_MANAGE] + I_PENDING_MASK], mask)
    return 0


@compiled
def irq_do_set_affinity(m, cpu, desc, mask):
    """Find the line a CPU of the mask that is online; housekeeping ones first for a managed line. Its threads follow."""
    line, manage = m[desc + D_MANAGE], m[G_MANAGE]
    managed = m[line + I_FLAGS] & IRQD_MANAGED
    wanted = mask
    if managed and m[manage + M_HOUSEKEEPING]:
        mask_and(m, m[manage + M_PROGRAMMED], mask, m[manage + M_HOUSEKEEPING])
        if intersects(m, m[manage + M_PROGRAMMED], m[manage + M_ONLINE]):
            wanted = m[manage + M_PROGRAMMED]
    if not mask_and(m, m[manage + M_TARGETS], wanted, m[manage + M_ONLINE]):
        return -EINVAL
    error = assign_managed_vector(m, desc) if managed else assign_vector(m, desc)
    if error:
        return error
    if m[line + I_FLAGS] & IRQD_MOVE_PCNTXT and m[desc + D_MOVING] & MOVE_IN_PROGRESS:
        schedule_vector_cleanup(m, desc)  # remapped: nothing more can come by the old vector
    mask_copy(m, m[line + I_AFFINITY], mask)
    irq_set_thread_affinity(m, cpu, desc)
    return 0


@compiled
def assign_vector(m, desc):
    """assign_vector_locked, within M_TARGETS: where it is now if it may stay, else the CPU with the most vectors left."""
    line, targets = m[desc + D_MANAGE], m[m[G_MANAGE] + M_TARGETS]
    if m[desc + D_VECTOR] and m[m[desc + D_CPU] + C_ONLINE] and mask_has(m, targets, m[desc + D_CPU]):
        return 0
    if m[desc + D_MOVING] & MOVE_IN_PROGRESS or m[line + I_ON_CLEANUP]:
        return -EBUSY
    return update_vector(m, desc, irq_matrix_alloc(m, targets), 0)


@compiled
def assign_managed_vector(m, desc):
    """One that is reserved on a CPU of the line's own mask."""
    targets = m[m[G_MANAGE] + M_TARGETS]
    if not mask_and(m, targets, targets, m[m[desc + D_MANAGE] + I_AFFINITY]):
        return -EINVAL
    if m[desc + D_VECTOR] and mask_has(m, targets, m[desc + D_CPU]):
        return 0
    return update_vector(m, desc, irq_matrix_alloc_managed(m, targets), 1)


@compiled
def update_vector(m, desc, found, managed):
    """apic_update_vector: the line comes by the vector that was found; the old one stays for what is on its way."""
    if found < 0:
        return found
    line, old = m[desc + D_MANAGE], m[desc + D_CPU]
    cpu, vector = found >> 8, found & 255
    m[line + I_PREV_VECTOR] = 0
    if m[desc + D_VECTOR] and m[old + C_ONLINE]:
        m[desc + D_MOVING] |= MOVE_IN_PROGRESS
        m[line + I_PREV_VECTOR] = m[desc + D_VECTOR]
        m[line + I_PREV_CPU] = old
    elif m[desc + D_VECTOR]:
        irq_matrix_free(m, old, m[desc + D_VECTOR], managed)
    m[desc + D_VECTOR] = vector
    m[desc + D_CPU] = cpu
    m[cpu + C_VECTORS + vector] = desc
    return 0


@compiled
def schedule_vector_cleanup(m, desc):
    """The old vector is freed on its CPU, two ticks from now at the latest."""
    line = m[desc + D_MANAGE]
    m[desc + D_MOVING] &= ~MOVE_IN_PROGRESS
    old = m[line + I_PREV_CPU]
    if not m[old + C_ONLINE]:
        free_moved_vector(m, desc)
        return
    map_ = m[old + C_MANAGE]
    m[line + I_ON_CLEANUP] = 1
    m[line + I_CLEANUP_NEXT] = m[map_ + P_CLEANUP]
    m[map_ + P_CLEANUP] = desc
    if not m[map_ + P_CLEANUP_TIMER + T_SLOT]:
        start_timer(m, map_ + P_CLEANUP_TIMER, old, m[G_NOW] + m[G_HZ_NS])


@compiled
def vector_cleanup(m, cpu, check_irr):
    """Free the old vectors on this CPU. check_irr: those at which something still waits stay for another tick."""
    map_ = m[cpu + C_MANAGE]
    desc, kept = m[map_ + P_CLEANUP], 0
    m[map_ + P_CLEANUP] = 0
    while desc:
        line = m[desc + D_MANAGE]
        following = m[line + I_CLEANUP_NEXT]
        if check_irr and is_latched(m, cpu, m[line + I_PREV_VECTOR]):
            m[line + I_CLEANUP_NEXT] = kept
            kept = desc
        else:
            free_moved_vector(m, desc)
        desc = following
    m[map_ + P_CLEANUP] = kept
    if kept:
        start_timer(m, map_ + P_CLEANUP_TIMER, cpu, m[G_NOW] + m[G_HZ_NS])


@compiled
def free_moved_vector(m, desc):
    line = m[desc + D_MANAGE]
    irq_matrix_free(m, m[line + I_PREV_CPU], m[line + I_PREV_VECTOR], m[line + I_FLAGS] & IRQD_MANAGED)
    m[line + I_ON_CLEANUP] = 0
    m[line + I_PREV_VECTOR] = 0
    m[desc + D_MOVING] &= ~MOVE_IN_PROGRESS


@compiled
def leave_cleanup(m, desc):
    """Off the list of its old CPU, where it is on one."""
    line = m[desc + D_MANAGE]
    if not m[line + I_ON_CLEANUP]:
        return
    link = m[m[line + I_PREV_CPU] + C_MANAGE] + P_CLEANUP
    while m[link] != desc:
        link = m[m[link] + D_MANAGE] + I_CLEANUP_NEXT
    m[link] = m[line + I_CLEANUP_NEXT]


@compiled
def irq_set_thread_affinity(m, cpu, desc):
    """The line's threads are to follow; since 6.10 they are woken for it."""
    action = m[desc + D_ACTIONS]
    while action:
        follow(m, cpu, action)
        if m[action + A_SECONDARY]:
            follow(m, cpu, m[action + A_SECONDARY])
        action = m[action + A_NEXT]


@compiled
def follow(m, cpu, action):
    if m[action + A_TASK] == 0:
        return
    m[action + A_THREAD_FLAGS] |= IRQTF_AFFINITY
    if m[G_KERNEL] > KERNEL_6_1:
        wake(m, cpu, m[action + A_TASK])


@compiled
def irq_setup_affinity(m, cpu, desc):
    """At its start: the mask that was set, else the default one, of CPUs that are online and near the device if there are any."""
    line, manage = m[desc + D_MANAGE], m[G_MANAGE]
    wanted = m[manage + M_DEFAULT]
    if m[line + I_FLAGS] & (IRQD_MANAGED | IRQD_AFFINITY_SET):
        if intersects(m, m[line + I_AFFINITY], m[manage + M_ONLINE]):
            wanted = m[line + I_AFFINITY]
        else:
            m[line + I_FLAGS] &= ~IRQD_AFFINITY_SET
    mask = m[line + I_PENDING_MASK]
    if not mask_and(m, mask, wanted, m[manage + M_ONLINE]):
        mask_copy(m, mask, m[manage + M_ONLINE])
    if m[line + I_NODE_MASK] and intersects(m, mask, m[line + I_NODE_MASK]):
        mask_and(m, mask, mask, m[line + I_NODE_MASK])
    return irq_do_set_affinity(m, cpu, desc, mask)
