"""Worker pools: how many of their workers run, and whom to wake. kernel/workqueue.c, up to wq_worker_tick.

The scheduler calls here (`sched`, `localtimer`) when a worker is going to sleep, runs again, or has run for long. A pool's lock
shows in traces: interrupts off and preempt_count one higher. Left out: what a worker does that is woken while it is still on its
way to sleep; workers that leave after five idle minutes; the report of functions that hog a CPU; the watchdog.
"""

from tophalf.model.fields import (
    AFFINITY_BROKEN,
    C_CURRENT,
    C_IDLE,
    C_IRQS_OFF,
    C_NEED_RESCHED,
    C_ONLINE,
    C_PREEMPT_COUNT,
    C_RUNNABLE,
    G_KERNEL,
    G_WORK,
    K_CHARGED,
    K_CPU,
    K_DELAYED,
    K_FLAGS,
    K_STATE,
    K_WORKER,
    PER_CPU_THREAD,
    RUNNING,
)
from tophalf.model.ground.jit import compiled, inlined
from tophalf.model.irq.managefields import CPU_ACTIVE
from tophalf.model.sched.fair import KERNEL_6_1
from tophalf.model.sched.wakeup import wake_on
from tophalf.model.work.workfields import (
    O_CPU,
    O_IDLE_LIST,
    O_NR_IDLE,
    O_NR_RUNNING,
    O_SCOPE,
    O_SCOPE_COUNT,
    O_WORKLIST,
    R_CURRENT_AT,
    R_CURRENT_PWQ,
    R_FLAGS,
    R_POOL,
    R_SLEEPING,
    R_TASK,
    W_CPU_INTENSIVE_NS,
    WORKER_CPU_INTENSIVE,
    WORKER_IDLE,
    WORKER_NOT_RUNNING,
    Y_CM_WAKEUP,
    Y_CPU_INTENSIVE,
)
from tophalf.model.work.worklists import list_add, list_del_init, list_empty


@compiled
def lock(m, cpu):
    """raw_spin_lock_irqsave, of which traces show the traces. Returns what interrupts were."""
    irqs_off = m[cpu + C_IRQS_OFF]
    m[cpu + C_IRQS_OFF] = 1
    m[cpu + C_PREEMPT_COUNT] += 1
    return irqs_off


@inlined
def unlock(m, cpu, irqs_off):
    m[cpu + C_PREEMPT_COUNT] -= 1
    m[cpu + C_IRQS_OFF] = irqs_off


@inlined
def need_more_worker(m, pool):
    """Whether items wait and no worker runs. Unbound workers never count as running."""
    return not list_empty(m, pool + O_WORKLIST) and m[pool + O_NR_RUNNING] == 0


@compiled
def worker_set_flags(m, worker, flags):
    if flags & WORKER_NOT_RUNNING and not m[worker + R_FLAGS] & WORKER_NOT_RUNNING:
        m[m[worker + R_POOL] + O_NR_RUNNING] -= 1
    m[worker + R_FLAGS] |= flags


@compiled
def worker_clr_flags(m, worker, flags):
    before = m[worker + R_FLAGS]
    m[worker + R_FLAGS] = before & ~flags
    if flags & before & WORKER_NOT_RUNNING and not m[worker + R_FLAGS] & WORKER_NOT_RUNNING:
        m[m[worker + R_POOL] + O_NR_RUNNING] += 1


@compiled
def worker_enter_idle(m, worker):
    """The one that went idle last is woken first."""
    pool = m[worker + R_POOL]
    m[worker + R_FLAGS] |= WORKER_IDLE
    m[pool + O_NR_IDLE] += 1
    list_add(m, worker, pool + O_IDLE_LIST)


@compiled
def worker_leave_idle(m, worker):
    m[worker + R_FLAGS] &= ~WORKER_IDLE
    m[m[worker + R_POOL] + O_NR_IDLE] -= 1
    list_del_init(m, worker)


@compiled
def kick_pool(m, cpu, pool):
    """Wake an idle worker of a pool of tasks, if items wait and none runs. Returns whether there was one to wake."""
    if list_empty(m, pool + O_IDLE_LIST) or not need_more_worker(m, pool):
        return False
    wake_worker(m, cpu, pool, m[m[pool + O_IDLE_LIST] + R_TASK])
    return True


@compiled
def wake_worker(m, cpu, pool, task):
    wake_on(m, cpu, task, m[task + K_CPU] if m[pool + O_CPU] else choose_cpu(m, cpu, pool, task))


@compiled
def choose_cpu(m, cpu, pool, task):
    """Where an unbound worker wakes: where it was, if that CPU is one that its pool prefers and idle; else an idle one.

    kernel/sched/fair.c select_task_rq_fair, as far as it goes here: the CPU before, the waking one, the others in their order;
    where none is idle the one before, or the first that the pool prefers; where those are all offline the waking one.
    """
    before, target, rank = m[task + K_CPU], cpu, -1
    if m[task + K_STATE] == RUNNING or m[task + K_DELAYED]:
        return before
    for at in range(m[pool + O_SCOPE_COUNT]):
        other = m[m[pool + O_SCOPE] + at]
        if m[other + C_ONLINE] != CPU_ACTIVE:
            continue
        good = (4 if is_idle(m, other) else 0) + (2 if other == before else 0) + (1 if other == cpu else 0)
        good = 0 if good == 1 else good  # the waking CPU is busy with that
        if good > rank:
            target, rank = other, good
    return target


@inlined
def is_idle(m, cpu):
    return m[cpu + C_CURRENT] == m[cpu + C_IDLE] and m[cpu + C_RUNNABLE] == 0 and m[cpu + C_NEED_RESCHED] == 0


@compiled
def let_go(m, task):
    """kthread_set_per_cpu(task, -1), and all CPUs allowed."""
    m[task + K_FLAGS] = m[task + K_FLAGS] & ~PER_CPU_THREAD | AFFINITY_BROKEN


# What the scheduler tells


@compiled
def wq_worker_sleeping(m, cpu, task):
    """A busy worker is going to sleep: another takes over, if items wait."""
    worker = m[task + K_WORKER]
    if m[worker + R_FLAGS] & WORKER_NOT_RUNNING or m[worker + R_SLEEPING]:
        return
    m[worker + R_SLEEPING] = 1
    pool, irqs_off = m[worker + R_POOL], lock(m, cpu)
    m[pool + O_NR_RUNNING] -= 1
    if kick_pool(m, cpu, pool):
        m[m[worker + R_CURRENT_PWQ] + Y_CM_WAKEUP] += 1
    unlock(m, cpu, irqs_off)


@compiled
def wq_worker_running(m, task):
    """A worker that slept is back."""
    worker = m[task + K_WORKER]
    if m[worker + R_SLEEPING]:
        if not m[worker + R_FLAGS] & WORKER_NOT_RUNNING:
            m[m[worker + R_POOL] + O_NR_RUNNING] += 1
        m[worker + R_CURRENT_AT] = m[task + K_CHARGED]
        m[worker + R_SLEEPING] = 0


@compiled
def wq_worker_tick(m, cpu):
    """Since 6.5: an item that held its CPU for too long without sleeping stands in the way of the others no more."""
    task = m[cpu + C_CURRENT]
    worker = m[task + K_WORKER]
    if worker == 0 or m[worker + R_CURRENT_PWQ] == 0 or m[G_KERNEL] <= KERNEL_6_1:
        return
    ran_ns = m[task + K_CHARGED] - m[worker + R_CURRENT_AT]
    if m[worker + R_FLAGS] & WORKER_NOT_RUNNING or m[worker + R_SLEEPING] or ran_ns < m[m[G_WORK] + W_CPU_INTENSIVE_NS]:
        return
    irqs_off = lock(m, cpu)
    worker_set_flags(m, worker, WORKER_CPU_INTENSIVE)
    m[m[worker + R_CURRENT_PWQ] + Y_CPU_INTENSIVE] += 1
    if kick_pool(m, cpu, m[worker + R_POOL]):
        m[m[worker + R_CURRENT_PWQ] + Y_CM_WAKEUP] += 1
    unlock(m, cpu, irqs_off)
