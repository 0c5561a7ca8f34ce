"""Where a line is delivered: its one CPU and vector. arch/x86/kernel/apic/vector.c, kernel/irq/migration.c."""

from tophalf.model.fields import C_VECTORS, C_VECTORS_USED, D_CPU, D_NEXT_CPU, D_STATE, D_VECTOR, IRQ_MOVE_PENDING
from tophalf.model.jit import compiled

FIRST_VECTOR, LAST_VECTOR = 0x22, 0xEB  # between the legacy vectors and those of the system
NO_VECTOR = -1


@compiled
def free_vector(m, cpu):
    """The lowest vector that no line has on a CPU, NO_VECTOR when all are taken."""
    for vector in range(FIRST_VECTOR, LAST_VECTOR + 1):
        if m[cpu + C_VECTORS + vector] == 0:
            return vector
    return NO_VECTOR


@compiled
def give_vector(m, desc, cpu):
    """Let a line arrive at a CPU. Returns False (-ENOSPC) when that has no vector left."""
    vector = free_vector(m, cpu)
    if vector == NO_VECTOR:
        return False
    if m[desc + D_CPU]:
        m[m[desc + D_CPU] + C_VECTORS + m[desc + D_VECTOR]] = 0
        m[m[desc + D_CPU] + C_VECTORS_USED] -= 1
    m[desc + D_CPU] = cpu
    m[desc + D_VECTOR] = vector
    m[cpu + C_VECTORS + vector] = desc
    m[cpu + C_VECTORS_USED] += 1
    return True


@compiled
def move_now(m, desc):
    """Carry out a move that waited for this interrupt."""
    m[desc + D_STATE] &= ~IRQ_MOVE_PENDING
    give_vector(m, desc, m[desc + D_NEXT_CPU])
