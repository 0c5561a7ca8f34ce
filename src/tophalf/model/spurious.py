"""Interrupts that nobody handles: a line that screams is shut off. kernel/irq/spurious.c note_interrupt."""

from tophalf.model.fields import (
    D_DEPTH,
    D_IRQ,
    D_LAST_UNHANDLED,
    D_RESULT,
    D_SPURIOUS_COUNT,
    D_STATE,
    D_UNHANDLED,
    G_HZ_NS,
    G_NOW,
    IRQ_DISABLED,
    IRQ_MASKED,
    IRQ_NONE,
    IRQ_SPURIOUS_DISABLED,
    IRQ_WAKE_THREAD,
)
from tophalf.model.jit import compiled, inlined
from tophalf.model.kmsg import LOG_NOBODY_CARED, log

JUDGED_COUNT = 100_000
UNHANDLED_MAX = 99_900


@inlined
def note_interrupt(m, cpu, desc):
    """After all actions of a line have run."""
    if m[desc + D_STATE] & IRQ_SPURIOUS_DISABLED or m[desc + D_RESULT] & IRQ_WAKE_THREAD:
        return
    if m[desc + D_RESULT] == IRQ_NONE:
        count_unhandled(m, desc)
    if m[desc + D_UNHANDLED] == 0:
        return
    m[desc + D_SPURIOUS_COUNT] += 1
    if m[desc + D_SPURIOUS_COUNT] < JUDGED_COUNT:
        return
    m[desc + D_SPURIOUS_COUNT] = 0
    if m[desc + D_UNHANDLED] > UNHANDLED_MAX:
        shut_off(m, cpu, desc)
    m[desc + D_UNHANDLED] = 0


@compiled
def count_unhandled(m, desc):
    """Only those within a tenth of a second of one another add up."""
    near = m[G_NOW] // m[G_HZ_NS] <= (m[desc + D_LAST_UNHANDLED] + 100_000_000) // m[G_HZ_NS]
    m[desc + D_UNHANDLED] = m[desc + D_UNHANDLED] + 1 if near and m[desc + D_UNHANDLED] else 1
    m[desc + D_LAST_UNHANDLED] = m[G_NOW]


@compiled
def shut_off(m, cpu, desc):
    """irq N: nobody cared; Disabling IRQ #N."""
    log(m, cpu, LOG_NOBODY_CARED, m[desc + D_IRQ])
    m[desc + D_STATE] |= IRQ_SPURIOUS_DISABLED | IRQ_DISABLED | IRQ_MASKED
    m[desc + D_DEPTH] += 1
