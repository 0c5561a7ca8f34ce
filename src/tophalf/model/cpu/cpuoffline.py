"""What leaves a CPU that goes offline: its interrupt lines, its timers, what was raised there and not run.

kernel/irq/cpuhotplug.c, arch/x86/kernel/irq.c fixup_irqs, arch/x86/kernel/apic/vector.c (irq_force_complete_move,
lapic_can_unplug_cpu, lapic_offline, x86_vector_deactivate), kernel/time/hrtimer.c hrtimers_cpu_dying, kernel/time/timer.c
timers_dead_cpu, net/core/dev.c dev_cpu_dead, kernel/softirq.c takeover_tasklets. Softirqs that were pending stay so until the CPU
is back, as in the kernel. Left out: interrupts that come to the CPU by a vector that is free already (the kernel says so), global
reservations.
"""

from tophalf import vocab
from tophalf.model.cpu.ipi import IPI_TIMERS
from tophalf.model.cpu.smpcall import call_on
from tophalf.model.fields import (
    C_CLOCK,
    C_COMPLETION_NS,
    C_HI_HEAD,
    C_HI_TAIL,
    C_HRTIMERS,
    C_IRR,
    C_IRR_COUNT,
    C_MANAGE,
    C_POLL_HEAD,
    C_SOFT_TIMERS,
    C_TASKLET_HEAD,
    C_TASKLET_TAIL,
    C_TICK,
    C_TICK_DUE,
    C_WHEEL,
    CPU_SIZE,
    D_ACTIONS,
    D_CPU,
    D_DEPTH,
    D_FLOW,
    D_IRQ,
    D_MANAGE,
    D_MOVING,
    D_STATE,
    D_VECTOR,
    FLOW_PERCPU,
    G_CPU_COUNT,
    G_CPUS,
    G_HEAP_COUNT,
    G_MANAGE,
    H_CPU,
    H_DO,
    H_NEXT,
    IN_WHEEL,
    IRQ_DISABLED,
    IRQ_MASKED,
    N_NEXT,
    ON_HRTIMER,
    T_KIND,
    TL_NEXT,
)
from tophalf.model.ground.jit import compiled
from tophalf.model.ground.kmsg import LOG_IRQ_AFFINITY_BROKEN, LOG_NO_VECTORS_TO_UNPLUG, LOG_SET_AFFINITY_FAILED, log
from tophalf.model.ground.lists import append
from tophalf.model.ground.queue import cancel, timer_at
from tophalf.model.irq.apic import is_latched, latch
from tophalf.model.irq.irqaffinity import free_moved_vector, irq_do_set_affinity, irq_set_affinity, leave_cleanup, vector_cleanup
from tophalf.model.irq.irqstartup import irq_startup
from tophalf.model.irq.managefields import (
    ENOSPC,
    HP_RETRIGGER_CSD,
    I_AFFINITY,
    I_FLAGS,
    I_LEFT_VECTOR,
    I_PENDING_MASK,
    I_PREV_CPU,
    I_PREV_VECTOR,
    IRQD_MANAGED,
    IRQD_MANAGED_SHUTDOWN,
    IRQD_STARTED,
    M_HOTPLUG,
    M_HOUSEKEEPING,
    M_LINE_COUNT,
    M_LINES,
    M_ONLINE,
    P_ALLOCATED,
    P_AVAILABLE,
    P_CLEANUP_TIMER,
    P_MANAGED_ALLOCATED,
    P_ONLINE,
    SETAFFINITY_PENDING,
)
from tophalf.model.irq.masks import first_of, intersects, mask_has
from tophalf.model.irq.matrix import irq_matrix_free
from tophalf.model.net.deadbacklog import is_backlog, leave_backlog
from tophalf.model.net.napi import join_poll_list
from tophalf.model.sched.tick import clock_fires
from tophalf.model.softirq.softirq import raise_softirq
from tophalf.model.timer.wheel import keep_expired

# Interrupts


@compiled
def lapic_can_unplug_cpu(m, cpu):
    """Whether the others have vectors for the lines of this CPU; managed ones have theirs. Returns 0 or -ENOSPC."""
    block = m[cpu + C_MANAGE]
    to_move, available, other = m[block + P_ALLOCATED] - m[block + P_MANAGED_ALLOCATED], 0, m[G_CPUS]
    for _ in range(m[G_CPU_COUNT]):
        if other != cpu and m[m[other + C_MANAGE] + P_ONLINE]:
            available += m[m[other + C_MANAGE] + P_AVAILABLE]
        other += CPU_SIZE
    if available < to_move:
        log(m, cpu, LOG_NO_VECTORS_TO_UNPLUG, to_move)
        return -ENOSPC
    return 0


@compiled
def irq_migrate_all_off_this_cpu(m, cpu):
    manage = m[G_MANAGE]
    for index in range(m[manage + M_LINE_COUNT]):
        desc = m[m[manage + M_LINES] + index]
        m[m[desc + D_MANAGE] + I_LEFT_VECTOR] = 0
        if m[desc + D_FLOW] != FLOW_PERCPU and migrate_one_irq(m, cpu, desc):
            log(m, cpu, LOG_IRQ_AFFINITY_BROKEN, m[desc + D_IRQ])


@compiled
def migrate_one_irq(m, cpu, desc):
    """A line leaves the CPU. Returns whether that breaks its affinity: no CPU of its mask is online, or none has a vector."""
    line, online = m[desc + D_MANAGE], m[m[G_MANAGE] + M_ONLINE]
    irq_force_complete_move(m, cpu, desc)
    if not m[line + I_FLAGS] & IRQD_STARTED or m[desc + D_CPU] != cpu:
        irq_fixup_move_pending(m, desc, False)
        return False
    affinity, broken = m[line + I_AFFINITY], False
    if irq_fixup_move_pending(m, desc, True):
        affinity = m[line + I_PENDING_MASK]
    if not intersects(m, affinity, online):
        if m[line + I_FLAGS] & IRQD_MANAGED:
            managed_shutdown(m, desc)
            return False
        affinity, broken = online, True
    m[line + I_LEFT_VECTOR] = m[desc + D_VECTOR]
    error = irq_do_set_affinity(m, cpu, desc, affinity)
    if error == -ENOSPC and not m[line + I_FLAGS] & IRQD_MANAGED and affinity != online:
        broken = True
        error = irq_do_set_affinity(m, cpu, desc, online)
    if error:
        log(m, cpu, LOG_SET_AFFINITY_FAILED, m[desc + D_IRQ])
        return False
    return broken


@compiled
def irq_force_complete_move(m, cpu, desc):
    """The vector that the line had before is freed, whatever may still come by it, if the CPU has to do with the move."""
    line = m[desc + D_MANAGE]
    if m[line + I_PREV_VECTOR] and (m[desc + D_CPU] == cpu or m[line + I_PREV_CPU] == cpu):
        leave_cleanup(m, desc)
        free_moved_vector(m, desc)


@compiled
def irq_fixup_move_pending(m, desc, force_clear):
    """Whether a mask waits that has an online CPU; it waits no longer if it has none, or with force_clear."""
    if not m[desc + D_MOVING] & SETAFFINITY_PENDING:
        return False
    good = intersects(m, m[m[desc + D_MANAGE] + I_PENDING_MASK], m[m[G_MANAGE] + M_ONLINE])
    if force_clear or not good:
        m[desc + D_MOVING] &= ~SETAFFINITY_PENDING
    return good


@compiled
def managed_shutdown(m, desc):
    """irq_shutdown_and_deactivate: the line waits for a CPU of its mask, said to be at the first one, without a vector."""
    line = m[desc + D_MANAGE]
    m[line + I_FLAGS] = m[line + I_FLAGS] & ~IRQD_STARTED | IRQD_MANAGED_SHUTDOWN
    m[desc + D_STATE] |= IRQ_DISABLED | IRQ_MASKED
    m[desc + D_DEPTH] = 1
    irq_matrix_free(m, m[desc + D_CPU], m[desc + D_VECTOR], IRQD_MANAGED)
    m[desc + D_VECTOR] = 0
    m[desc + D_CPU] = first_of(m, m[m[G_MANAGE] + M_ONLINE])


@compiled
def retrigger_and_leave(m, cpu):
    """The end of fixup_irqs: what waits here by a vector of a line that went is sent again where that is now. lapic_offline."""
    manage, block = m[G_MANAGE], m[cpu + C_MANAGE]
    for index in range(m[manage + M_LINE_COUNT]):
        desc = m[m[manage + M_LINES] + index]
        vector = m[m[desc + D_MANAGE] + I_LEFT_VECTOR]
        if vector and is_latched(m, cpu, vector):
            latch(m, m[desc + D_CPU], m[desc + D_VECTOR])
    vector_cleanup(m, cpu, False)
    m[block + P_ONLINE] = 0
    cancel(m, block + P_CLEANUP_TIMER)


@compiled
def forget_interrupts(m, cpu):
    """What is sent to a CPU that is gone is lost."""
    for word in range(C_IRR, C_IRR + 8):
        m[cpu + word] = 0
    m[cpu + C_IRR_COUNT] = 0
    for timer in IPI_TIMERS:
        cancel(m, cpu + timer)


@compiled
def irq_affinity_online_cpu(m, cpu):
    """Managed lines whose mask has the CPU that came: those that waited for one begin again."""
    manage = m[G_MANAGE]
    for index in range(m[manage + M_LINE_COUNT]):
        desc = m[m[manage + M_LINES] + index]
        line = m[desc + D_MANAGE]
        if not m[line + I_FLAGS] & IRQD_MANAGED or not m[desc + D_ACTIONS] or not mask_has(m, m[line + I_AFFINITY], cpu):
            continue
        if m[line + I_FLAGS] & IRQD_MANAGED_SHUTDOWN:
            irq_startup(m, cpu, desc)
        if hk_should_isolate(m, cpu, desc):
            irq_set_affinity(m, cpu, desc, m[line + I_AFFINITY])


@compiled
def hk_should_isolate(m, cpu, desc):
    """Whether a line that is on an isolated CPU has one for managed lines now."""
    housekeeping = m[m[G_MANAGE] + M_HOUSEKEEPING]
    return housekeeping and not mask_has(m, housekeeping, m[desc + D_CPU]) and mask_has(m, housekeeping, cpu)


# Timers


@compiled
def move_timers(m, cpu, target, wheel):
    """Timers that wait for their time, of the wheel or not."""
    for slot in range(1, m[G_HEAP_COUNT] + 1):
        timer = timer_at(m, slot)
        if m[timer + T_KIND] == ON_HRTIMER and m[timer + H_CPU] == cpu and m[timer + H_DO] & IN_WHEEL == wheel:
            m[timer + H_CPU] = target


@compiled
def move_expired(m, cpu, target, which):
    """Those whose time has come already, to a list of the other CPU. Returns whether there are any."""
    timer = m[cpu + which]
    m[cpu + which] = 0
    found = timer != 0
    while timer:
        following = m[timer + H_NEXT]
        m[timer + H_CPU] = target
        if which == C_WHEEL:
            keep_expired(m, target, timer)
        else:
            append(m, target + which, target + which + 1, timer, H_NEXT)
        timer = following
    return found


@compiled
def hrtimers_cpu_dying(m, cpu, target):
    """The tick ends; hrtimers go to a CPU that is asked to look when its next one is."""
    cancel(m, cpu + C_TICK)
    m[cpu + C_TICK_DUE] = 0
    m[cpu + C_CLOCK] = 0
    move_timers(m, cpu, target, 0)
    call_on(m, target, m[m[G_MANAGE] + M_HOTPLUG] + HP_RETRIGGER_CSD)
    if move_expired(m, cpu, target, C_HRTIMERS) | move_expired(m, cpu, target, C_SOFT_TIMERS):
        clock_fires(m, target)


@compiled
def timers_dead_cpu(m, cpu, dead):
    move_timers(m, dead, cpu, IN_WHEEL)
    move_expired(m, dead, cpu, C_WHEEL)


# Softirqs


@compiled
def dev_cpu_dead(m, cpu, dead):
    """NAPI instances on the list of the dead CPU are polled here, what it had sent is freed; NET_TX is raised in any case."""
    while m[dead + C_POLL_HEAD]:
        napi = m[dead + C_POLL_HEAD]
        m[dead + C_POLL_HEAD] = m[napi + N_NEXT]
        if is_backlog(m, dead, napi):
            leave_backlog(m, napi)
        else:
            join_poll_list(m, cpu, napi)
    m[cpu + C_COMPLETION_NS] += m[dead + C_COMPLETION_NS]
    m[dead + C_COMPLETION_NS] = 0
    raise_softirq(m, cpu, vocab.NET_TX)


@compiled
def takeover_tasklets(m, cpu, dead):
    """Its tasklets run here; TASKLET and HI are raised in any case."""
    for head, tail, vector in ((C_TASKLET_HEAD, C_TASKLET_TAIL, vocab.TASKLET), (C_HI_HEAD, C_HI_TAIL, vocab.HI)):
        while m[dead + head]:
            tasklet = m[dead + head]
            m[dead + head] = m[tasklet + TL_NEXT]
            append(m, cpu + head, cpu + tail, tasklet, TL_NEXT)
        raise_softirq(m, cpu, vector)

