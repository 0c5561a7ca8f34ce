"""Workers of a CPU that goes: they serve what is queued there from elsewhere, and come home when it is back.

kernel/workqueue.c workqueue_offline_cpu, unbind_workers, workqueue_online_cpu, rebind_workers. Left out: max_active of unbound
workqueues by the CPUs of a node that are online, BH items that wait on a CPU that is dead (they wait until it is back), the CPU
that kick_pool proposes to the scheduler for a worker that is away.
"""

from tophalf.model.cpu.stopmachine import move_queued_task
from tophalf.model.fields import (
    AFFINITY_BROKEN,
    C_CURRENT,
    C_MANAGE,
    G_WORK,
    K_CPU,
    K_FLAGS,
    K_ON_RQ,
    PER_CPU_THREAD,
)
from tophalf.model.ground.jit import compiled
from tophalf.model.irq.managefields import P_PUSH, P_PUSH_TO, P_STOPPER
from tophalf.model.sched.fair import move_sleeping
from tophalf.model.sched.wakeup import wake
from tophalf.model.work.workfields import (
    O_CPU,
    O_FLAGS,
    O_NR_RUNNING,
    O_WORKERS,
    O_WORKERS_MAX,
    POOL_BH,
    POOL_DISASSOCIATED,
    R_EXISTS,
    R_FLAGS,
    R_TASK,
    W_POOL_COUNT,
    W_POOLS,
    WORKER_REBOUND,
    WORKER_UNBOUND,
)
from tophalf.model.work.workpools import kick_pool, let_go, lock, unlock


@compiled
def workqueue_cpu(m, cpu, comes):
    """Pools of tasks of the CPU, in order: unbound before it goes, bound again when it comes. On that CPU."""
    work = m[G_WORK]
    for index in range(m[work + W_POOL_COUNT] if work else 0):
        pool = m[m[work + W_POOLS] + index]
        if m[pool + O_CPU] == cpu and not m[pool + O_FLAGS] & POOL_BH:
            if comes:
                rebind_workers(m, cpu, pool)
            else:
                unbind_workers(m, cpu, pool)


@compiled
def unbind_workers(m, cpu, pool):
    """Concurrency is managed no more: while items wait, each worker that ends one begins the next."""
    irqs_off = lock(m, cpu)
    flag_workers(m, pool, 0, WORKER_UNBOUND)
    m[pool + O_FLAGS] |= POOL_DISASSOCIATED
    m[pool + O_NR_RUNNING] = 0
    kick_pool(m, cpu, pool)
    unlock(m, cpu, irqs_off)
    for number in range(m[pool + O_WORKERS_MAX]):
        worker = m[m[pool + O_WORKERS] + number]
        if m[worker + R_EXISTS]:
            let_go(m, m[worker + R_TASK])


@compiled
def rebind_workers(m, cpu, pool):
    """Its workers belong to the CPU again; REBOUND until each begins its next item."""
    for number in range(m[pool + O_WORKERS_MAX]):
        worker = m[m[pool + O_WORKERS] + number]
        if m[worker + R_EXISTS]:
            come_home(m, cpu, m[worker + R_TASK])
    irqs_off = lock(m, cpu)
    m[pool + O_FLAGS] &= ~POOL_DISASSOCIATED
    flag_workers(m, pool, WORKER_UNBOUND, WORKER_REBOUND)
    unlock(m, cpu, irqs_off)


@compiled
def come_home(m, cpu, task):
    """set_cpus_allowed_ptr: at once where it only waits or sleeps; where it runs that CPU's stopper is asked."""
    away = m[task + K_CPU]
    m[task + K_FLAGS] = m[task + K_FLAGS] & ~AFFINITY_BROKEN | PER_CPU_THREAD
    if away == cpu:
        return
    if m[away + C_CURRENT] == task:
        m[m[away + C_MANAGE] + P_PUSH] = task
        m[m[away + C_MANAGE] + P_PUSH_TO] = cpu
        wake(m, cpu, m[m[away + C_MANAGE] + P_STOPPER])
    elif m[task + K_ON_RQ]:
        move_queued_task(m, cpu, away, task, cpu)
    else:
        move_sleeping(m, task, cpu)


@compiled
def flag_workers(m, pool, clear, flag):
    for number in range(m[pool + O_WORKERS_MAX]):
        worker = m[m[pool + O_WORKERS] + number]
        if m[worker + R_EXISTS]:
            m[worker + R_FLAGS] = m[worker + R_FLAGS] & ~clear | flag
