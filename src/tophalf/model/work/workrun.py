"""Items in the hands of a worker, whether that is a task or a softirq: given to it, begun, ended.

kernel/workqueue.c assign_work, process_one_work, process_scheduled_works. What the kernel does without letting go of the pool's
lock is one step here. Left out: the description of a worker (workqueue names in its comm).
"""

from tophalf import vocab
from tophalf.model.fields import F_PC, K_CHARGED
from tophalf.model.ground.jit import compiled
from tophalf.model.ground.trace import emit
from tophalf.model.sched.contexts import call
from tophalf.model.work.workfields import (
    O_BUSY,
    O_FLAGS,
    O_NR_RUNNING,
    O_WORKLIST,
    POOL_BH,
    R_CURRENT_AT,
    R_CURRENT_COLOR,
    R_CURRENT_FUNC,
    R_CURRENT_PWQ,
    R_CURRENT_WORK,
    R_HENTRY,
    R_INACTIVE,
    R_POOL,
    R_SCHEDULED,
    R_TASK,
    WORK_OFFQ_BH,
    WORK_STRUCT_INACTIVE,
    WORKER_CPU_INTENSIVE,
    WQ_CPU_INTENSIVE,
    WQ_FLAGS,
    X_ADDRESS,
    X_ARG,
    X_COLOR,
    X_FLAGS,
    X_FUNCTION,
    X_POOL,
    X_PROGRAM,
    X_PWQ,
    X_RUNS,
    Y_COMPLETED,
    Y_STARTED,
    Y_WQ,
)
from tophalf.model.work.workflush import pwq_dec_nr_in_flight
from tophalf.model.work.worklists import list_add, list_del_init, list_empty
from tophalf.model.work.workpools import lock, unlock, worker_clr_flags, worker_set_flags
from tophalf.model.work.workqueue import find_worker_executing_work, kick, move_linked_works


@compiled
def assign_work(m, work, worker):
    """Give an item to a worker; to another one if that runs it at this moment. Returns whether it is this worker's."""
    collision = find_worker_executing_work(m, m[worker + R_POOL], work)
    move_linked_works(m, work, (collision if collision else worker) + R_SCHEDULED)
    return collision == 0


@compiled
def process_one_work(m, cpu, frame, worker, after):
    """Begin the first item that the worker has been given; `after` is where its frame goes on when that is done."""
    work, pool = m[worker + R_SCHEDULED], m[worker + R_POOL]
    pwq, irqs_off = m[work + X_PWQ], lock(m, cpu)
    list_add(m, worker + R_HENTRY, pool + O_BUSY)
    m[worker + R_CURRENT_WORK] = work
    m[worker + R_CURRENT_FUNC] = m[work + X_FUNCTION]
    m[worker + R_CURRENT_PWQ] = pwq
    m[worker + R_CURRENT_COLOR] = m[work + X_COLOR]
    m[worker + R_INACTIVE] = m[work + X_FLAGS] & WORK_STRUCT_INACTIVE
    if m[worker + R_TASK]:
        m[worker + R_CURRENT_AT] = m[m[worker + R_TASK] + K_CHARGED]
    list_del_init(m, work)
    if m[m[pwq + Y_WQ] + WQ_FLAGS] & WQ_CPU_INTENSIVE:
        worker_set_flags(m, worker, WORKER_CPU_INTENSIVE)
    kick(m, cpu, pool)
    m[work + X_PWQ] = 0
    m[work + X_POOL] = pool
    m[work + X_FLAGS] = WORK_OFFQ_BH if m[pool + O_FLAGS] & POOL_BH else 0
    unlock(m, cpu, irqs_off)
    m[pwq + Y_STARTED] += 1
    m[work + X_RUNS] += 1
    emit(m, cpu, vocab.WORKQUEUE_EXECUTE_START, m[work + X_ADDRESS], m[work + X_FUNCTION], 0, -1)
    m[frame + F_PC] = after
    call(m, cpu, m[work + X_PROGRAM], m[work + X_ARG])


@compiled
def process_one_work_ends(m, cpu, worker):
    """Its function has returned."""
    pwq, irqs_off = m[worker + R_CURRENT_PWQ], lock(m, cpu)
    m[pwq + Y_COMPLETED] += 1
    worker_clr_flags(m, worker, WORKER_CPU_INTENSIVE)
    list_del_init(m, worker + R_HENTRY)
    m[worker + R_CURRENT_WORK] = 0
    m[worker + R_CURRENT_PWQ] = 0
    pwq_dec_nr_in_flight(m, cpu, pwq, m[worker + R_INACTIVE], m[worker + R_CURRENT_COLOR])
    unlock(m, cpu, irqs_off)


@compiled
def next_item(m, cpu, frame, worker, after, may_take):
    """Begin the next item: one that it was given already, or (may_take) one from the pool. Returns whether there was one."""
    pool = m[worker + R_POOL]
    while list_empty(m, worker + R_SCHEDULED):
        if not may_take or list_empty(m, pool + O_WORKLIST) or m[pool + O_NR_RUNNING] > 1:
            return False
        assign_work(m, m[pool + O_WORKLIST], worker)
    process_one_work(m, cpu, frame, worker, after)
    return True
