"""Workers that are tasks: what makes them work, idle and make another worker.

kernel/workqueue.c worker_thread, manage_workers, create_worker. A worker's loop is few instructions (`microcode`): what the
kernel does without letting go of the pool's lock is one. The frame holds the worker in R1. Left out: workers that die, the
failure to make one (it only takes time).
"""

from tophalf import vocab
from tophalf.model.fields import (
    BLOCKED,
    C_CURRENT,
    F_PC,
    F_R1,
    G_HZ_NS,
    G_NOW,
    G_WORK,
    K_CPU,
    K_STATE,
    K_TIMER,
    K_WORKER,
)
from tophalf.model.ground.jit import compiled
from tophalf.model.ground.trace import emit
from tophalf.model.ops import STRIDE
from tophalf.model.sched.sched import schedule
from tophalf.model.sched.tick import jiffies, mod_timer, start_timer, stop_timer
from tophalf.model.work.workfields import (
    O_CPU,
    O_FLAGS,
    O_MAYDAY_TIMER,
    O_NR_IDLE,
    O_NR_WORKERS,
    O_WORKERS,
    O_WORKERS_MAX,
    POOL_DISASSOCIATED,
    POOL_MANAGER_ACTIVE,
    R_CURRENT_FUNC,
    R_CURRENT_WORK,
    R_EXISTS,
    R_FLAGS,
    R_POOL,
    R_TASK,
    TASK_IDLE,
    W_CREATE_NS,
    WORKER_PREP,
    WORKER_REBOUND,
    WORKER_UNBOUND,
    X_ADDRESS,
)
from tophalf.model.work.workops import OP_WORK_DONE, OP_WORK_END, OP_WORKER_BEGIN, OP_WORKER_CREATED
from tophalf.model.work.workpools import (
    let_go,
    lock,
    need_more_worker,
    unlock,
    wake_worker,
    worker_clr_flags,
    worker_enter_idle,
    worker_leave_idle,
    worker_set_flags,
)
from tophalf.model.work.workrun import next_item, process_one_work_ends


@compiled
def execute_worker(m, cpu, frame, op, x, y):
    """Instructions of workers; x, y: where to go on."""
    if op == OP_WORKER_BEGIN:
        worker = m[m[cpu + C_CURRENT] + K_WORKER]
        m[frame + F_R1] = worker
        worker_leave_idle(m, worker)
        recheck(m, cpu, frame, worker, m[frame + F_PC], m[frame + F_PC] - STRIDE, x)
    elif op == OP_WORKER_CREATED:
        if made_worker(m, cpu, frame, m[m[frame + F_R1] + R_POOL]):
            recheck(m, cpu, frame, m[frame + F_R1], x, y, m[frame + F_PC] - STRIDE)
    elif op == OP_WORK_END:
        work = m[m[frame + F_R1] + R_CURRENT_WORK]
        function = m[m[frame + F_R1] + R_CURRENT_FUNC]
        emit(m, cpu, vocab.WORKQUEUE_EXECUTE_END, m[work + X_ADDRESS], function, 0, -1)
    elif op == OP_WORK_DONE:
        process_one_work_ends(m, cpu, m[frame + F_R1])
        if not keep_working(m, cpu, frame, m[frame + F_R1], x):
            sleep(m, cpu, frame, m[frame + F_R1], y)


@compiled
def recheck(m, cpu, frame, worker, after, again, create):
    """worker_thread: nothing to do, no other worker left to take over from this one (make one first), or to work.

    after: where it goes on when an item is done; again: when it is woken; create: when another has to be made.
    """
    pool = m[worker + R_POOL]
    if not need_more_worker(m, pool):
        sleep(m, cpu, frame, worker, again)
    elif m[pool + O_NR_IDLE] == 0 and not m[pool + O_FLAGS] & POOL_MANAGER_ACTIVE:
        m[pool + O_FLAGS] |= POOL_MANAGER_ACTIVE
        m[frame + F_PC] = create
        maybe_create_worker(m, cpu, pool)
    else:
        worker_clr_flags(m, worker, WORKER_PREP | WORKER_REBOUND)
        if not keep_working(m, cpu, frame, worker, after):
            sleep(m, cpu, frame, worker, again)


@compiled
def keep_working(m, cpu, frame, worker, after):
    """Begin the next item. Returns False when there is none, or others work."""
    if next_item(m, cpu, frame, worker, after, True):
        return True
    worker_set_flags(m, worker, WORKER_PREP)
    return False


@compiled
def sleep(m, cpu, frame, worker, again):
    worker_enter_idle(m, worker)
    m[frame + F_PC] = again
    m[m[cpu + C_CURRENT] + K_STATE] = TASK_IDLE
    schedule(m, cpu, 0)


@compiled
def maybe_create_worker(m, cpu, pool):
    """Ask kthreadd for another worker; if that takes too long the rescuers are called."""
    arm_mayday(m, cpu, pool, max(10_000_000 // m[G_HZ_NS], 2))  # MAYDAY_INITIAL_TIMEOUT
    if m[m[G_WORK] + W_CREATE_NS]:
        task = m[cpu + C_CURRENT]
        start_timer(m, task + K_TIMER, m[task + K_CPU], m[G_NOW] + m[m[G_WORK] + W_CREATE_NS])
        m[task + K_STATE] = BLOCKED
        schedule(m, cpu, 0)


@compiled
def arm_mayday(m, cpu, pool, ticks):
    mod_timer(m, pool + O_MAYDAY_TIMER, cpu, jiffies(m) + ticks)


@compiled
def made_worker(m, cpu, frame, pool):
    """The new worker is there. Returns False where another is needed already: the instruction is done again then."""
    stop_timer(m, pool + O_MAYDAY_TIMER)
    create_worker(m, cpu, pool)
    if need_more_worker(m, pool) and m[pool + O_NR_IDLE] == 0:
        m[frame + F_PC] -= STRIDE
        maybe_create_worker(m, cpu, pool)
        return False
    m[pool + O_FLAGS] &= ~POOL_MANAGER_ACTIVE
    return True


@compiled
def create_worker(m, cpu, pool):
    """The lowest number that is free. There are as many as can ever be of use (`buildwork`)."""
    for number in range(m[pool + O_WORKERS_MAX]):
        worker = m[m[pool + O_WORKERS] + number]
        if m[worker + R_EXISTS] == 0:
            irqs_off = lock(m, cpu)
            m[worker + R_EXISTS] = 1
            m[pool + O_NR_WORKERS] += 1
            if m[pool + O_FLAGS] & POOL_DISASSOCIATED and m[pool + O_CPU]:
                m[worker + R_FLAGS] |= WORKER_UNBOUND
                let_go(m, m[worker + R_TASK])
            worker_enter_idle(m, worker)
            wake_worker(m, cpu, pool, m[worker + R_TASK])
            unlock(m, cpu, irqs_off)
            return
