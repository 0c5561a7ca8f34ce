"""Interrupts that nobody handles: a line that screams is shut off, and polled from then on.

kernel/irq/spurious.c note_interrupt, poll_spurious_irqs, try_one_irq. The poll's frame holds in R1 how many lines were looked at.
Left out: irqfixup and irqpoll (the search of other lines for a handler), bogus answers of handlers (`check/checks` tells those of
drivers in Python), noirqdebug.
"""

from tophalf.model.check.watchlines import nobody_cared
from tophalf.model.fields import (
    A_FLAGS,
    C_IRQS_OFF,
    D_ACTIONS,
    D_DEPTH,
    D_FLOW,
    D_HANDLED_LAST,
    D_IRQ,
    D_LAST_UNHANDLED,
    D_SPURIOUS_COUNT,
    D_STATE,
    D_THREADS_HANDLED,
    D_UNHANDLED,
    F_ARG,
    F_PC,
    F_R1,
    FLOW_PERCPU,
    G_HZ_NS,
    G_MANAGE,
    G_NOW,
    IRQ_HANDLED,
    IRQ_INPROGRESS,
    IRQ_NONE,
    IRQ_PENDING,
    IRQ_POLL_INPROGRESS,
    IRQ_SPURIOUS_DISABLED,
    IRQ_WAKE_THREAD,
    IRQF_SHARED,
)
from tophalf.model.ground.jit import compiled, inlined
from tophalf.model.ground.kmsg import LOG_DISABLING_IRQ, LOG_NOBODY_CARED, log
from tophalf.model.irq.irqdisable import irq_disable
from tophalf.model.irq.managefields import M_LINE_COUNT, M_LINES, M_POLL_PROGRAM, M_POLL_TIMER
from tophalf.model.sched.contexts import call
from tophalf.model.sched.tick import start_timer

JUDGED_COUNT = 100_000
UNHANDLED_MAX = 99_900
DEFERRED = 1 << 31  # SPURIOUS_DEFERRED
TENTH_NS = 100_000_000  # HZ/10


@inlined
def note_interrupt(m, cpu, desc, answers):
    """After all actions of a line have run. answers: what they returned, ORed."""
    if m[desc + D_STATE] & IRQ_POLL_INPROGRESS:
        return
    result = answers
    if result & IRQ_WAKE_THREAD:
        result = judged_result(m, desc, answers)
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
def judged_result(m, desc, result):
    """What counts as the answer of this interrupt: where only threads were woken, whether one handled something since the last.

    IRQ_WAKE_THREAD: not to be judged yet. D_HANDLED_LAST: how often threads had handled something, with DEFERRED.
    """
    last = m[desc + D_HANDLED_LAST]
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
    near = m[G_NOW] // m[G_HZ_NS] <= (m[desc + D_LAST_UNHANDLED] + TENTH_NS) // m[G_HZ_NS]
    m[desc + D_UNHANDLED] = m[desc + D_UNHANDLED] + 1 if near and m[desc + D_UNHANDLED] else 1
    m[desc + D_LAST_UNHANDLED] = m[G_NOW]


@compiled
def shut_off(m, cpu, desc):
    """irq N: nobody cared; Disabling IRQ #N. As lazy as any disabling: the line is masked when it comes once more."""
    log(m, cpu, LOG_NOBODY_CARED, m[desc + D_IRQ])
    log(m, cpu, LOG_DISABLING_IRQ, m[desc + D_IRQ])
    nobody_cared(m, cpu, desc)
    m[desc + D_STATE] |= IRQ_SPURIOUS_DISABLED
    m[desc + D_DEPTH] += 1
    irq_disable(m, desc)
    start_poll_timer(m, cpu)


@compiled
def start_poll_timer(m, cpu):
    start_timer(m, m[G_MANAGE] + M_POLL_TIMER, cpu, m[G_NOW] + TENTH_NS)


@compiled
def poll_spurious_irqs(m, cpu, frame, done):
    """Try the next line that was shut off; at the end wait again (and go on at `done`)."""
    manage = m[G_MANAGE]
    while m[frame + F_R1] < m[manage + M_LINE_COUNT]:
        desc = m[m[manage + M_LINES] + m[frame + F_R1]]
        m[frame + F_R1] += 1
        if m[desc + D_STATE] & IRQ_SPURIOUS_DISABLED and may_be_polled(m, desc):
            m[cpu + C_IRQS_OFF] = 1
            m[desc + D_STATE] = m[desc + D_STATE] & ~IRQ_PENDING | IRQ_POLL_INPROGRESS | IRQ_INPROGRESS
            poll = call(m, cpu, m[manage + M_POLL_PROGRAM], desc)
            m[poll + F_R1] = m[desc + D_ACTIONS]
            return
    start_poll_timer(m, cpu)
    m[frame + F_PC] = done


@compiled
def may_be_polled(m, desc):
    """try_one_irq: only lines whose handlers may be called for nothing."""
    action = m[desc + D_ACTIONS]
    if m[desc + D_FLOW] == FLOW_PERCPU or action == 0 or not m[action + A_FLAGS] & IRQF_SHARED:
        return False
    if m[desc + D_STATE] & IRQ_INPROGRESS:
        m[desc + D_STATE] |= IRQ_PENDING
        return False
    return True


@compiled
def polled_once(m, cpu, frame, again):
    """The handlers have run; once more (at `again`) if the line came meanwhile."""
    desc = m[frame + F_ARG]
    if m[desc + D_STATE] & IRQ_PENDING:
        m[desc + D_STATE] &= ~IRQ_PENDING
        m[frame + F_R1] = m[desc + D_ACTIONS]
        m[frame + F_PC] = again
        return
    m[desc + D_STATE] &= ~(IRQ_POLL_INPROGRESS | IRQ_INPROGRESS)
    m[cpu + C_IRQS_OFF] = 0
