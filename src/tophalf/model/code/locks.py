"""Locks of drivers: a spinlock that other CPUs spin on, a mutex that other tasks sleep for.

kernel/locking/mutex.c, include/linux/spinlock.h. Preemption, interrupts and bottom halves are the program's own instructions. Left
out: the queue of waiting CPUs (each looks again every SPIN_NS), a mutex's optimistic spinning, priority inheritance, and that
spinlocks sleep on PREEMPT_RT. Who takes a spinlock that its own CPU has spins for ever, as on a kernel.
"""

from tophalf.model.code.codefields import L_HEAD, L_OWNER, L_TAIL, SPIN_NS
from tophalf.model.code.crash import NOT_ITS_LOCK, crash
from tophalf.model.fields import BLOCKED, C_CURRENT, F_LEFT, F_PC, K_STATE, K_WAIT_NEXT
from tophalf.model.ground.jit import compiled
from tophalf.model.ground.lists import append
from tophalf.model.ops import STRIDE
from tophalf.model.sched.sched import schedule
from tophalf.model.sched.wakeup import wake


@compiled
def spin_lock(m, cpu, frame, lock):
    """Take it, or look again in a moment."""
    if m[lock + L_OWNER]:
        m[frame + F_LEFT] = SPIN_NS
        m[frame + F_PC] -= STRIDE
    else:
        m[lock + L_OWNER] = cpu


@compiled
def spin_unlock(m, cpu, lock):
    if m[lock + L_OWNER] == cpu:
        m[lock + L_OWNER] = 0
    else:
        crash(m, cpu, NOT_ITS_LOCK)


@compiled
def mutex_lock(m, cpu, frame, lock):
    """Take it, or sleep until it is handed over."""
    task = m[cpu + C_CURRENT]
    if m[lock + L_OWNER] == 0:
        m[lock + L_OWNER] = task
        return
    append(m, lock + L_HEAD, lock + L_TAIL, task, K_WAIT_NEXT)
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
