"""Read-write locks: kernel/locking/qrwlock.c.

Who finds the lock taken spins as for a spinlock (`locks`). Those that queue (wait_lock) come one by one, in their order; a writer
at their head keeps new readers away, except those in an interrupt, or with bottom halves off, who wait only for one that writes.
How far a frame is while it spins is in its R3 and R5. Preemption, interrupts and bottom halves are the program's own instructions.
Left out: that read-write locks sleep on PREEMPT_RT.
"""

from tophalf.model.check.crash import NOT_ITS_LOCK, crash
from tophalf.model.code.locks import let_look, spin
from tophalf.model.code.waitfields import RW_READERS, RW_SPINNERS, RW_TICKETS, RW_TURN, RW_WAITING, RW_WRITER
from tophalf.model.fields import F_R3, F_R5
from tophalf.model.ground.jit import compiled
from tophalf.model.sched.contexts import in_interrupt

IN_INTERRUPT = -1  # R3; otherwise 0 at first, and the ticket, from 1 on, of who queues. R5: whether a reader counts already


@compiled
def read_lock(m, cpu, frame, lock):
    """Take it to read, or look again in a moment."""
    if m[frame + F_R3] == 0:
        if m[lock + RW_WRITER] == 0 and m[lock + RW_WAITING] == 0:
            m[lock + RW_READERS] += 1
            return
        if in_interrupt(m, cpu):
            m[lock + RW_READERS] += 1
            m[frame + F_R3] = IN_INTERRUPT
        else:
            queue_up(m, frame, lock)
    if m[frame + F_R3] > 0 and m[frame + F_R5] == 0 and is_first(m, frame, lock):
        m[frame + F_R5] = 1
        m[lock + RW_READERS] += 1
    if (m[frame + F_R5] or m[frame + F_R3] == IN_INTERRUPT) and m[lock + RW_WRITER] == 0:
        leave(m, frame, lock)
    else:
        spin(m, cpu, frame, lock)


@compiled
def write_lock(m, cpu, frame, lock):
    """Take it to write, or look again in a moment."""
    if m[frame + F_R3] == 0:
        if m[lock + RW_WRITER] == 0 and m[lock + RW_READERS] == 0 and m[lock + RW_WAITING] == 0:
            m[lock + RW_WRITER] = cpu
            return
        queue_up(m, frame, lock)
    if is_first(m, frame, lock):
        if m[lock + RW_WRITER] == 0 and m[lock + RW_READERS] == 0:
            m[lock + RW_WAITING] = 0
            m[lock + RW_WRITER] = cpu
            leave(m, frame, lock)
            return
        m[lock + RW_WAITING] = 1
    spin(m, cpu, frame, lock)


@compiled
def read_unlock(m, cpu, lock):
    if m[lock + RW_READERS] == 0:
        crash(m, cpu, NOT_ITS_LOCK)
        return
    m[lock + RW_READERS] -= 1
    tell(m, lock)


@compiled
def write_unlock(m, cpu, lock):
    if m[lock + RW_WRITER] != cpu:
        crash(m, cpu, NOT_ITS_LOCK)
        return
    m[lock + RW_WRITER] = 0
    tell(m, lock)


@compiled
def queue_up(m, frame, lock):
    m[lock + RW_TICKETS] += 1
    m[frame + F_R3] = m[lock + RW_TICKETS]


@compiled
def is_first(m, frame, lock):
    return m[frame + F_R3] == m[lock + RW_TURN] + 1


@compiled
def leave(m, frame, lock):
    """It has the lock; who has queued lets the next one be first."""
    if m[frame + F_R3] > 0:
        m[lock + RW_TURN] += 1
        tell(m, lock)
    m[frame + F_R3] = 0
    m[frame + F_R5] = 0


@compiled
def tell(m, lock):
    """Something has changed for those that spin."""
    if m[lock + RW_SPINNERS]:
        let_look(m, lock)
