"""Sets of CPUs and of vectors as words of bits. include/linux/cpumask.h."""

from tophalf.model.fields import C_NUMBER, CPU_SIZE, G_CPUS, G_MANAGE
from tophalf.model.ground.jit import compiled, inlined
from tophalf.model.irq.managefields import M_MASK_WORDS, MASK_BITS


@inlined
def mask_has(m, mask, cpu):
    """Whether a CPU (its address) is in a mask."""
    number = m[cpu + C_NUMBER]
    return m[mask + number // MASK_BITS] >> number % MASK_BITS & 1


@inlined
def mask_set(m, mask, cpu):
    number = m[cpu + C_NUMBER]
    m[mask + number // MASK_BITS] |= 1 << number % MASK_BITS


@compiled
def mask_clear(m, mask, cpu):
    number = m[cpu + C_NUMBER]
    m[mask + number // MASK_BITS] &= ~(1 << number % MASK_BITS)


@compiled
def is_subset(m, one, other):
    outside = 0
    for word in range(m[m[G_MANAGE] + M_MASK_WORDS]):
        outside |= m[one + word] & ~m[other + word]
    return outside == 0


@compiled
def mask_and(m, result, one, other):
    """result = one & other. Returns whether anything is in it."""
    found = 0
    for word in range(m[m[G_MANAGE] + M_MASK_WORDS]):
        m[result + word] = m[one + word] & m[other + word]
        found |= m[result + word]
    return found != 0


@compiled
def intersects(m, one, other):
    found = 0
    for word in range(m[m[G_MANAGE] + M_MASK_WORDS]):
        found |= m[one + word] & m[other + word]
    return found != 0


@compiled
def mask_copy(m, result, mask):
    for word in range(m[m[G_MANAGE] + M_MASK_WORDS]):
        m[result + word] = m[mask + word]


@compiled
def first_of(m, mask):
    """The address of the first CPU of a mask, 0 when it is empty."""
    for word in range(m[m[G_MANAGE] + M_MASK_WORDS]):
        bits, number = m[mask + word], word * MASK_BITS
        if bits:
            while not bits & 1:
                bits >>= 1
                number += 1
            return m[G_CPUS] + number * CPU_SIZE
    return 0
