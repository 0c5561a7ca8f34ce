"""Interrupts that nobody handles: a line that screams is shut off. kernel/irq/spurious.c note_interrupt.

Left out: polling a line that was shut off (poll_spurious_irqs), irqfixup, and the search of other lines for a handler.
"""

from tophalf.model.fields import (
    D_DEPTH,
    D_HANDLED_LAST,
    D_IRQ,
    D_LAST_UNHANDLED,
    D_RESULT,
    D_SPURIOUS_COUNT,
    D_STATE,
    D_THREADS_HANDLED,
    D_UNHANDLED,
    G_HZ_NS,
    G_NOW,
    IRQ_DISABLED,
    IRQ_HANDLED,
    IRQ_MASKED,
    IRQ_NONE,
    IRQ_SPURIOUS_DISABLED,
    IRQ_WAKE_THREAD,
)
from tophalf.model.jit import compiled, inlined
from tophalf.model.kmsg import LOG_NOBODY_CARED, log

JUDGED_COUNT = 100_000
UNHANDLED_MAX = 99_900
DEFERRED = 1 << 31  # SPURIOUS_DEFERRED


@inlined
def note_interrupt(m, cpu, desc):
    """After all actions of a line have run."""
    if m[desc + D_STATE] & IRQ_SPURIOUS_DISABLED:
        return
    result = judged_result(m, desc)
    if result == IRQ_WAKE_THREAD:
        return
    if result == IRQ_NONE:
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
def judged_result(m, desc):
    """What counts as the answer of this interrupt: where only threads were woken, whether one handled something since the last.

    IRQ_WAKE_THREAD: not to be judged yet. D_HANDLED_LAST: how often threads had handled something, with DEFERRED.
    """
    result, last = m[desc + D_RESULT], m[desc + D_HANDLED_LAST]
    if not result & IRQ_WAKE_THREAD:
        return result
    if result != IRQ_WAKE_THREAD:
        m[desc + D_HANDLED_LAST] = last & ~DEFERRED
        return result
    handled = m[desc + D_THREADS_HANDLED] | DEFERRED
    if not last & DEFERRED:
        m[desc + D_HANDLED_LAST] = last | DEFERRED
        return IRQ_WAKE_THREAD
    m[desc + D_HANDLED_LAST] = handled
    return IRQ_NONE if handled == last else IRQ_HANDLED


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
