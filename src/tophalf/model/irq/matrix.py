"""The vectors of each CPU: who has how many left, and which is given next. kernel/irq/matrix.c.

Each CPU has the vectors of a set (the external ones without those of the system); managed lines keep one reserved on each CPU
of their mask. Left out: the legacy interrupts' vectors, global reservations, which only warn.
"""

from tophalf.model.fields import C_MANAGE, C_VECTORS, C_VECTORS_USED, CPU_SIZE, G_CPU_COUNT, G_CPUS, G_MANAGE
from tophalf.model.ground.jit import compiled
from tophalf.model.irq.managefields import (
    ENOSPC,
    M_SYSTEM_VECTORS,
    P_ALLOC_MAP,
    P_ALLOCATED,
    P_AVAILABLE,
    P_MANAGED,
    P_MANAGED_ALLOCATED,
    P_MANAGED_MAP,
    P_ONLINE,
)
from tophalf.model.irq.masks import mask_has

FIRST_VECTOR, END_VECTOR = 0x20, 0xEB  # FIRST_EXTERNAL_VECTOR, FIRST_SYSTEM_VECTOR (arch/x86/include/asm/irq_vectors.h)
SYSTEM_VECTORS = (0x32, 0x80)  # within these: the cascade of the PIC, IA32_SYSCALL_VECTOR
VECTORS_PER_CPU = END_VECTOR - FIRST_VECTOR - len(SYSTEM_VECTORS)


@compiled
def has_vector(m, vectors, vector):
    return m[vectors + (vector >> 5)] >> (vector & 31) & 1


@compiled
def flip_vector(m, vectors, vector):
    m[vectors + (vector >> 5)] ^= 1 << (vector & 31)


@compiled
def find_best_cpu(m, mask):
    """The online CPU with the most vectors left, the first of equals; 0: none has any."""
    best, most, cpu = 0, 0, m[G_CPUS]
    for _ in range(m[G_CPU_COUNT]):
        map_ = m[cpu + C_MANAGE]
        if m[map_ + P_AVAILABLE] > most and m[map_ + P_ONLINE] and mask_has(m, mask, cpu):
            best, most = cpu, m[map_ + P_AVAILABLE]
        cpu += CPU_SIZE
    return best


@compiled
def find_best_cpu_managed(m, mask):
    """The online CPU with the fewest managed lines, the last of equals; 0: none is online."""
    best, least, cpu = 0, 1 << 30, m[G_CPUS]
    for _ in range(m[G_CPU_COUNT]):
        map_ = m[cpu + C_MANAGE]
        if m[map_ + P_MANAGED_ALLOCATED] <= least and m[map_ + P_ONLINE] and mask_has(m, mask, cpu):
            best, least = cpu, m[map_ + P_MANAGED_ALLOCATED]
        cpu += CPU_SIZE
    return best


@compiled
def free_vector(m, map_):
    """matrix_alloc_area: the lowest vector that is neither given, nor reserved for managed lines, nor the system's; 0: none."""
    system = m[m[G_MANAGE] + M_SYSTEM_VECTORS]
    for vector in range(FIRST_VECTOR, END_VECTOR):
        word = vector >> 5
        if not (m[map_ + P_ALLOC_MAP + word] | m[map_ + P_MANAGED_MAP + word] | m[system + word]) >> (vector & 31) & 1:
            return vector
    return 0


@compiled
def give(m, cpu, vector):
    """Mark a vector as given: cpu << 8 | vector."""
    map_ = m[cpu + C_MANAGE]
    flip_vector(m, map_ + P_ALLOC_MAP, vector)
    m[map_ + P_ALLOCATED] += 1
    m[cpu + C_VECTORS_USED] += 1
    return cpu << 8 | vector


@compiled
def irq_matrix_alloc(m, mask):
    """A vector on the best CPU of a mask: cpu << 8 | vector, or -ENOSPC."""
    cpu = find_best_cpu(m, mask)
    if cpu == 0:
        return -ENOSPC
    map_ = m[cpu + C_MANAGE]
    vector = free_vector(m, map_)
    if vector == 0:
        return -ENOSPC
    m[map_ + P_AVAILABLE] -= 1
    return give(m, cpu, vector)


@compiled
def irq_matrix_reserve_managed(m, mask):
    """Keep one vector on each CPU of a mask, online or not. Returns 0, or -ENOSPC with nothing kept."""
    cpu = m[G_CPUS]
    for index in range(m[G_CPU_COUNT]):
        if mask_has(m, mask, cpu):
            map_ = m[cpu + C_MANAGE]
            vector = free_vector(m, map_)
            if vector == 0:
                remove_managed_before(m, mask, index)
                return -ENOSPC
            flip_vector(m, map_ + P_MANAGED_MAP, vector)
            m[map_ + P_MANAGED] += 1
            m[map_ + P_AVAILABLE] -= 1
        cpu += CPU_SIZE
    return 0


@compiled
def remove_managed_before(m, mask, count):
    """irq_matrix_remove_managed on the first `count` CPUs: a reservation that is not in use."""
    cpu = m[G_CPUS]
    for _ in range(count):
        map_ = m[cpu + C_MANAGE]
        vector = unused_managed(m, map_) if mask_has(m, mask, cpu) else 0
        if vector:
            flip_vector(m, map_ + P_MANAGED_MAP, vector)
            m[map_ + P_MANAGED] -= 1
            m[map_ + P_AVAILABLE] += 1
        cpu += CPU_SIZE


@compiled
def unused_managed(m, map_):
    """The lowest vector that is reserved for managed lines and not given; 0: none."""
    for vector in range(FIRST_VECTOR, END_VECTOR):
        if has_vector(m, map_ + P_MANAGED_MAP, vector) and not has_vector(m, map_ + P_ALLOC_MAP, vector):
            return vector
    return 0


@compiled
def irq_matrix_alloc_managed(m, mask):
    """One of the reserved vectors: cpu << 8 | vector, or -ENOSPC."""
    cpu = find_best_cpu_managed(m, mask)
    if cpu == 0:
        return -ENOSPC
    map_ = m[cpu + C_MANAGE]
    vector = unused_managed(m, map_)
    if vector == 0:
        return -ENOSPC
    m[map_ + P_MANAGED_ALLOCATED] += 1
    return give(m, cpu, vector)


@compiled
def irq_matrix_free(m, cpu, vector, managed):
    """Give a vector back. A managed one stays reserved."""
    map_ = m[cpu + C_MANAGE]
    m[cpu + C_VECTORS + vector] = 0
    m[cpu + C_VECTORS_USED] -= 1
    flip_vector(m, map_ + P_ALLOC_MAP, vector)
    m[map_ + P_ALLOCATED] -= 1
    if managed:
        m[map_ + P_MANAGED_ALLOCATED] -= 1
    else:
        m[map_ + P_AVAILABLE] += 1
