"""The local APIC of each CPU: one arrival waits for each vector, a second is merged, the highest is delivered first.

Intel SDM volume 3, chapter 11 (IRR, ISR, EOI). Handlers run with interrupts off and Linux ends the interrupt before they come
on again, so the in-service register never holds one back and is left out.
"""

from tophalf.model.fields import C_IRR, C_IRR_COUNT, C_ONLINE
from tophalf.model.ground.jit import compiled, inlined
from tophalf.model.sched.contexts import disturb


@compiled
def latch(m, cpu, vector):
    """An interrupt message arrives. Returns whether it is the first one that waits for its vector."""
    word, bit = cpu + C_IRR + (vector >> 5), 1 << (vector & 31)
    if m[word] & bit or not m[cpu + C_ONLINE]:
        return False
    m[word] |= bit
    m[cpu + C_IRR_COUNT] += 1
    disturb(m, cpu)
    return True


@inlined
def is_latched(m, cpu, vector):
    return m[cpu + C_IRR + (vector >> 5)] >> (vector & 31) & 1


@inlined
def take_highest(m, cpu):
    """The highest vector that waits, which waits no longer. There must be one."""
    word = cpu + C_IRR + 7
    while m[word] == 0:
        word -= 1
    bits, bit = m[word], 0
    for step in (16, 8, 4, 2, 1):
        if bits >> step:
            bits >>= step
            bit += step
    m[word] ^= 1 << bit
    m[cpu + C_IRR_COUNT] -= 1
    return (word - cpu - C_IRR) * 32 + bit
