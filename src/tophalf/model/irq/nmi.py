"""Non-maskable interrupts of a counter, as perf and the hard lockup detector have them: they come in hardirqs, too.

arch/x86/kernel/nmi.c exc_nmi, include/linux/hardirq.h nmi_enter. Nothing comes in one: another waits, and is handled at once after
it; more are merged. Nothing is raised or woken in one. Its time is counted as that of what it interrupted (nmi_enter accounts for
none). The frame has R5: interrupts as they were; F_ARG: the source.

Left out: counting cycles (the counter goes by the clock; a halted CPU's stands still, so what falls due in idle is skipped),
unknown NMIs, irq_work that a handler queues, NMIs from one CPU to others (backtraces), the trace event nmi_handler.
"""

from tophalf.model.fields import (
    C_CURRENT,
    C_FRAME,
    C_IDLE,
    C_IRQS_OFF,
    C_ONLINE,
    C_PARKED,
    C_PREEMPT_COUNT,
    C_TIMER,
    F_ARG,
    F_CLASS,
    F_KIND,
    F_R5,
    G_INTERRUPTS,
    G_NOW,
    G_READY,
    HARDIRQ_OFFSET,
    IN_NMI,
    IN_TASK,
    NMI_MASK,
    NMI_OFFSET,
    T_TIME,
)
from tophalf.model.ground.jit import compiled
from tophalf.model.ground.queue import arm
from tophalf.model.irq.nmifields import NM_COUNT, NM_CPU, NM_FIRST, NM_LATCHED, NM_PERIOD, NM_PROGRAM
from tophalf.model.sched.contexts import charge, pop, push, suspend


@compiled
def begin_nmi(m, source):
    """Before the run."""
    arm(m, source, m[source + NM_FIRST])


@compiled
def nmi_arrives(m, source):
    """The counter has overflowed."""
    cpu = m[source + NM_CPU]
    arm(m, source, m[source + T_TIME] + m[source + NM_PERIOD])
    halted = m[cpu + C_CURRENT] == m[cpu + C_IDLE] and m[m[cpu + C_FRAME] + F_KIND] == IN_TASK
    if halted or not m[cpu + C_ONLINE]:
        return
    if m[cpu + C_PREEMPT_COUNT] & NMI_MASK:
        m[source + NM_LATCHED] = 1
        return
    if m[cpu + C_PARKED]:
        suspend(m, cpu)
    enter_nmi(m, cpu, source)
    if m[G_READY]:
        arm(m, cpu + C_TIMER, m[G_NOW])
    else:
        m[G_READY] = cpu


@compiled
def enter_nmi(m, cpu, source):
    """exc_nmi, nmi_enter: whatever the CPU was doing, and whether interrupts were on or not."""
    charge(m, cpu)
    time_class = m[m[cpu + C_FRAME] + F_CLASS]
    frame = push(m, cpu, m[source + NM_PROGRAM], time_class, IN_NMI, source)
    m[frame + F_R5] = m[cpu + C_IRQS_OFF]
    m[cpu + C_IRQS_OFF] = 1
    m[cpu + C_PREEMPT_COUNT] += NMI_OFFSET + HARDIRQ_OFFSET
    m[source + NM_COUNT] += 1
    m[G_INTERRUPTS] += 2  # as NMI and as PMI (arch/x86/kernel/irq.c arch_irq_stat_cpu)


@compiled
def leave_nmi(m, cpu, frame):
    """nmi_exit; what waited comes now."""
    source, irqs_off = m[frame + F_ARG], m[frame + F_R5]
    charge(m, cpu)
    pop(m, cpu)
    m[cpu + C_PREEMPT_COUNT] -= NMI_OFFSET + HARDIRQ_OFFSET
    m[cpu + C_IRQS_OFF] = irqs_off
    if m[source + NM_LATCHED]:
        m[source + NM_LATCHED] = 0
        enter_nmi(m, cpu, source)
