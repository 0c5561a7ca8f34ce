"""Interrupts from one CPU to another: sent now, there after the cost `ipi`; of one vector, what is sent again meanwhile is one."""

from tophalf.model.fields import C_IPI, COST_IPI, COST_SIZE, G_COSTS, G_NOW, T_SLOT, T_TIME, TIMER_SIZE
from tophalf.model.ground.costs import cost
from tophalf.model.ground.jit import compiled
from tophalf.model.ground.queue import arm, cancel
from tophalf.model.irq.apic import latch

# arch/x86/include/asm/irq_vectors.h
LOCAL_TIMER_VECTOR, RESCHEDULE_VECTOR, CALL_FUNCTION_SINGLE_VECTOR, IRQ_WORK_VECTOR = 0xEC, 0xFD, 0xFB, 0xF6
IPI_VECTORS = (RESCHEDULE_VECTOR, CALL_FUNCTION_SINGLE_VECTOR, IRQ_WORK_VECTOR)
IPI_TIMERS = tuple(range(C_IPI, C_IPI + len(IPI_VECTORS) * TIMER_SIZE, TIMER_SIZE))


@compiled
def send_ipi(m, cpu, vector):
    """Let an interrupt of this vector arrive at a CPU."""
    timer = cpu + C_IPI
    if vector != RESCHEDULE_VECTOR:
        timer += TIMER_SIZE if vector == CALL_FUNCTION_SINGLE_VECTOR else 2 * TIMER_SIZE
    if m[timer + T_SLOT] == 0:
        arm(m, timer, m[G_NOW] + cost(m, m[G_COSTS] + COST_IPI * COST_SIZE))


@compiled
def ipis_arrive(m, cpu, timer):
    """What was sent is there, also what comes at this moment by another vector: the highest will be taken first."""
    each = cpu + C_IPI
    for vector in IPI_VECTORS:
        if each == timer:
            latch(m, cpu, vector)
        elif m[each + T_SLOT] and m[each + T_TIME] == m[G_NOW]:
            cancel(m, each)
            latch(m, cpu, vector)
        each += TIMER_SIZE
