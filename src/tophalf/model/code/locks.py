"""Locks of drivers: a spinlock that other CPUs spin on, a mutex that other tasks sleep for.

kernel/locking/mutex.c, include/linux/spinlock.h. Preemption, interrupts and bottom halves are the program's own instructions. A CPU
that spins looks each SPIN_NS. Until the lock is let go of those looks find nothing, so none is made: it is parked, and who lets go
has it look at the next of those moments. A look at the very moment of the release finds the lock free. Left out: the queue of
waiting CPUs, a mutex's optimistic spinning, priority inheritance, and that spinlocks sleep on PREEMPT_RT. Who takes a spinlock that
its own CPU has spins for ever, as on a kernel.
"""

from tophalf.model.check.crash import NOT_ITS_LOCK, crash
from tophalf.model.code.codefields import L_HEAD, L_OWNER, L_TAIL, SPIN_NS
from tophalf.model.fields import (
    BLOCKED,
    C_CURRENT,
    C_FRAME,
    C_PARKED,
    C_TIMER,
    F_LEFT,
    F_PC,
    F_R1,
    F_R2,
    G_NOW,
    K_STATE,
    K_WAIT_NEXT,
    T_TIME,
)
from tophalf.model.ground.jit import compiled
from tophalf.model.ground.lists import append
from tophalf.model.ground.queue import arm
from tophalf.model.ops import STRIDE
from tophalf.model.sched.sched import schedule
from tophalf.model.sched.wakeup import wake

SPIN_FOR_EVER_NS = SPIN_NS << 50  # years, a whole number of looks: more than any run lasts


@compiled
def spin_lock(m, cpu, frame, lock):
    """Take it, or look again in a moment."""
    if m[lock + L_OWNER]:
        spin(m, cpu, frame, lock)
    else:
        m[lock + L_OWNER] = cpu


@compiled
def spin(m, cpu, frame, lock):
    """Do the instruction again when the lock has been let go of. The frame holds: R1 the next one that spins there, R2 its CPU."""
    m[frame + F_LEFT] = SPIN_FOR_EVER_NS
    m[frame + F_PC] -= STRIDE
    m[frame + F_R1] = m[lock + L_HEAD]
    m[frame + F_R2] = cpu
    m[lock + L_HEAD] = frame


@compiled
def let_look(m, lock):
    """All who spin look at their next moment; who was interrupted keeps what is left until then."""
    frame = m[lock + L_HEAD]
    m[lock + L_HEAD] = 0
    while frame:
        cpu = m[frame + F_R2]
        if m[cpu + C_PARKED] and m[cpu + C_FRAME] == frame:
            arm(m, cpu + C_TIMER, m[G_NOW] + (m[cpu + C_TIMER + T_TIME] - m[G_NOW]) % SPIN_NS)
        else:
            m[frame + F_LEFT] %= SPIN_NS
        frame = m[frame + F_R1]


@compiled
def spin_unlock(m, cpu, lock):
    if m[lock + L_OWNER] == cpu:
        m[lock + L_OWNER] = 0
        if m[lock + L_HEAD]:
            let_look(m, lock)
    else:
        crash(m, cpu, NOT_ITS_LOCK)


@compiled
def mutex_lock(m, cpu, frame, lock):
    """Take it, or sleep until it is handed over, whoever else wakes the task. R1 of the frame: the lock that it waits for."""
    task, waits = m[cpu + C_CURRENT], m[frame + F_R1] == lock
    if m[lock + L_OWNER] == 0 or waits and m[lock + L_OWNER] == task:
        m[lock + L_OWNER] = task
        m[frame + F_R1] = 0
        return
    if not waits:
        append(m, lock + L_HEAD, lock + L_TAIL, task, K_WAIT_NEXT)
        m[frame + F_R1] = lock
    m[frame + F_PC] -= STRIDE
    m[task + K_STATE] = BLOCKED
    schedule(m, cpu, 0)


@compiled
def mutex_unlock(m, cpu, lock):
    """The task that has waited longest has it now (MUTEX_FLAG_HANDOFF), so that it never waits twice."""
    if m[lock + L_OWNER] != m[cpu + C_CURRENT]:
        crash(m, cpu, NOT_ITS_LOCK)
        return
    task = m[lock + L_OWNER] = m[lock + L_HEAD]
    if task:
        m[lock + L_HEAD] = m[task + K_WAIT_NEXT]
        m[task + K_WAIT_NEXT] = 0
        wake(m, cpu, task)
