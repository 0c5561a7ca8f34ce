"""Interrupts from one CPU to another: sent now, there after the cost `ipi`; sent again meanwhile they are one."""

from tophalf.model.fields import (
    C_IPI,
    C_IPI_VECTORS,
    COST_IPI,
    COST_SIZE,
    G_COSTS,
    G_NOW,
    T_SLOT,
)
from tophalf.model.ground.costs import cost
from tophalf.model.ground.jit import compiled
from tophalf.model.ground.queue import arm
from tophalf.model.irq.apic import latch

# arch/x86/include/asm/irq_vectors.h
LOCAL_TIMER_VECTOR, RESCHEDULE_VECTOR, CALL_FUNCTION_SINGLE_VECTOR, IRQ_WORK_VECTOR = 0xEC, 0xFD, 0xFB, 0xF6
IPI_VECTORS = (RESCHEDULE_VECTOR, CALL_FUNCTION_SINGLE_VECTOR, IRQ_WORK_VECTOR)


@compiled
def send_ipi(m, cpu, vector):
    """Let an interrupt of this vector arrive at a CPU."""
    m[cpu + C_IPI_VECTORS] |= 1 << vector - IRQ_WORK_VECTOR
    timer = cpu + C_IPI
    if m[timer + T_SLOT] == 0:
        arm(m, timer, m[G_NOW] + cost(m, m[G_COSTS] + COST_IPI * COST_SIZE))


@compiled
def ipis_arrive(m, cpu):
    """What was sent is there."""
    sent = m[cpu + C_IPI_VECTORS]
    m[cpu + C_IPI_VECTORS] = 0
    for vector in IPI_VECTORS:
        if sent >> vector - IRQ_WORK_VECTOR & 1:
            latch(m, cpu, vector)
