"""Where a line is delivered: its one CPU and vector. arch/x86/kernel/apic/vector.c assign_vector_locked.

Left out so far: lines that move, managed ones, CPUs that go offline. A line keeps the CPU it is given before the run.
"""

from tophalf.model.fields import C_VECTORS, C_VECTORS_USED, D_CPU, D_VECTOR
from tophalf.model.jit import compiled

FIRST_VECTOR, LAST_VECTOR = 0x22, 0xEB  # between the legacy vectors and those of the system


@compiled
def give_vector(m, desc, cpu):
    """Let a line arrive at a CPU, by the lowest vector that no line has there. The builder sees to it that there is one."""
    vector = FIRST_VECTOR
    while m[cpu + C_VECTORS + vector]:
        vector += 1
    m[desc + D_CPU] = cpu
    m[desc + D_VECTOR] = vector
    m[cpu + C_VECTORS + vector] = desc
    m[cpu + C_VECTORS_USED] += 1
