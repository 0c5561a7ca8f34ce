"""irq_poll: a device's completions polled in the softirq IRQ_POLL, as NAPI does for packets, its interrupt quiet meanwhile.

lib/irq_poll.c. The softirq's frame has R1: the budget that is left, R2: the jiffy at which it began, R3: what it polls.
A poll is a program that answers how many it took; with fewer than its weight it has called irq_poll_complete itself. Left out:
irq_poll_disable.
"""

from tophalf import vocab
from tophalf.model.block.blockfields import BC_IOPOLL, BC_IOPOLL_TAIL, IOP_NEXT, IOP_POLL, IOP_SCHED, IOP_WEIGHT
from tophalf.model.fields import C_BLOCK, F_PC, F_R0, F_R1, F_R2, F_R3
from tophalf.model.ground.jit import compiled
from tophalf.model.ground.lists import append
from tophalf.model.sched.contexts import call
from tophalf.model.sched.tick import jiffies
from tophalf.model.softirq.softirq import mark_softirq, raise_softirq
from tophalf.model.softirq.vectorops import (
    OP_IRQ_POLL_BEGIN,
    OP_IRQ_POLL_COMPLETE,
    OP_IRQ_POLL_DONE,
    OP_IRQ_POLL_NEXT,
    OP_IRQ_POLL_SCHED,
)

BUDGET = 256  # irq_poll_budget


@compiled
def execute_irq_poll(m, cpu, frame, op, x):
    """x: an irq_poll, or where to go on."""
    if op == OP_IRQ_POLL_SCHED:
        irq_poll_sched(m, cpu, x)
    elif op == OP_IRQ_POLL_BEGIN:
        m[frame + F_R1] = BUDGET
        m[frame + F_R2] = jiffies(m)
    elif op == OP_IRQ_POLL_NEXT:
        next_poll(m, cpu, frame, x)
    elif op == OP_IRQ_POLL_DONE:
        poll_is_over(m, cpu, frame)
        m[frame + F_PC] = x
    elif op == OP_IRQ_POLL_COMPLETE:
        m[m[cpu + C_BLOCK] + BC_IOPOLL] = m[x + IOP_NEXT]
        m[x + IOP_SCHED] = 0


@compiled
def irq_poll_sched(m, cpu, iop):
    """From the handler: once, until it is complete."""
    if m[iop + IOP_SCHED]:
        return
    m[iop + IOP_SCHED] = 1
    block = m[cpu + C_BLOCK]
    append(m, block + BC_IOPOLL, block + BC_IOPOLL_TAIL, iop, IOP_NEXT)
    raise_softirq(m, cpu, vocab.IRQ_POLL)


@compiled
def next_poll(m, cpu, frame, done):
    """Poll the first; `done` when there is none or the softirq has had its share."""
    iop = m[m[cpu + C_BLOCK] + BC_IOPOLL]
    if iop == 0:
        m[frame + F_PC] = done
    elif m[frame + F_R1] <= 0 or jiffies(m) > m[frame + F_R2]:
        mark_softirq(m, cpu, vocab.IRQ_POLL)
        m[frame + F_PC] = done
    else:
        m[frame + F_R3] = iop
        call(m, cpu, m[iop + IOP_POLL], iop)


@compiled
def poll_is_over(m, cpu, frame):
    """One that took all it may goes to the end; it has not left the list (only its own poll can)."""
    work, iop, block = m[frame + F_R0], m[frame + F_R3], m[cpu + C_BLOCK]
    m[frame + F_R1] -= work
    if work >= m[iop + IOP_WEIGHT] and m[iop + IOP_NEXT]:
        m[block + BC_IOPOLL] = m[iop + IOP_NEXT]
        append(m, block + BC_IOPOLL, block + BC_IOPOLL_TAIL, iop, IOP_NEXT)


@compiled
def irq_poll_cpu_dead(m, cpu, dead):
    """What waits on the list of a CPU that went offline is polled here first. Raised in any case."""
    mine, theirs = m[cpu + C_BLOCK], m[dead + C_BLOCK]
    if mine and m[theirs + BC_IOPOLL]:
        m[m[theirs + BC_IOPOLL_TAIL] + IOP_NEXT] = m[mine + BC_IOPOLL]
        if m[mine + BC_IOPOLL] == 0:
            m[mine + BC_IOPOLL_TAIL] = m[theirs + BC_IOPOLL_TAIL]
        m[mine + BC_IOPOLL] = m[theirs + BC_IOPOLL]
        m[theirs + BC_IOPOLL] = 0
    mark_softirq(m, cpu, vocab.IRQ_POLL)
