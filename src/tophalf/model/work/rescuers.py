"""Rescuers: where no worker can be made in time, one thread of a workqueue with WQ_MEM_RECLAIM runs its items, pool by pool.

kernel/workqueue.c pool_mayday_timeout, send_mayday, rescuer_thread, assign_rescuer_work. The frame holds: R1 the worker, R2 how
many items it has run, R4 the pwq that it helps. Left out: a cursor in the pool's list, as a search from its beginning finds the
same item; the CPU mask of an unbound workqueue.
"""

from tophalf.model.fields import (
    C_CURRENT,
    F_PC,
    F_R1,
    F_R2,
    F_R4,
    G_HZ_NS,
    K_STATE,
    K_WORKER,
)
from tophalf.model.ground.jit import compiled
from tophalf.model.ops import STRIDE
from tophalf.model.sched.sched import schedule
from tophalf.model.sched.taskmove import leave_for
from tophalf.model.sched.wakeup import wake
from tophalf.model.work.workers import arm_mayday
from tophalf.model.work.workfields import (
    O_CPU,
    O_FLAGS,
    O_NR_IDLE,
    O_WORKLIST,
    POOL_DISASSOCIATED,
    R_FLAGS,
    R_POOL,
    R_RESCUE_WQ,
    R_TASK,
    RESCUER_BATCH,
    TASK_IDLE,
    WORKER_UNBOUND,
    WQ_MAYDAYS,
    WQ_RESCUER,
    X_PWQ,
    Y_MAYDAY,
    Y_MAYDAY_NODE,
    Y_NR_ACTIVE,
    Y_POOL,
    Y_RESCUED,
    Y_WQ,
)
from tophalf.model.work.worklists import list_add_tail, list_del_init, list_empty
from tophalf.model.work.workops import RESCUER_DONE, RESCUER_MOVE, RESCUER_NEXT
from tophalf.model.work.workpools import lock, need_more_worker, unlock
from tophalf.model.work.workqueue import kick
from tophalf.model.work.workrun import assign_work, next_item, process_one_work, process_one_work_ends


@compiled
def pool_mayday_timeout(m, cpu, pool):
    """The manager has waited for a worker for too long: the rescuers of what waits are called, now and every HZ/10."""
    if need_more_worker(m, pool) and m[pool + O_NR_IDLE] == 0:
        irqs_off = lock(m, cpu)
        work = m[pool + O_WORKLIST]
        while work != pool + O_WORKLIST:
            send_mayday(m, cpu, m[work + X_PWQ])
            work = m[work]
        unlock(m, cpu, irqs_off)
    arm_mayday(m, cpu, pool, 100_000_000 // m[G_HZ_NS])


@compiled
def send_mayday(m, cpu, pwq):
    wq = m[pwq + Y_WQ]
    if m[wq + WQ_RESCUER] and list_empty(m, pwq + Y_MAYDAY_NODE):
        list_add_tail(m, pwq + Y_MAYDAY_NODE, wq + WQ_MAYDAYS)
        m[pwq + Y_MAYDAY] += 1
        wake(m, cpu, m[m[wq + WQ_RESCUER] + R_TASK])


@compiled
def execute_rescuer(m, cpu, frame, x, y, z):
    """rescuer_thread: wait for a call, go to the pool's CPU, run what the calling pwq has there. x: after an item; z: the start."""
    if y == RESCUER_NEXT:
        answer_mayday(m, cpu, frame, m[m[cpu + C_CURRENT] + K_WORKER])
        return
    worker = m[frame + F_R1]
    pool = m[worker + R_POOL]
    if y == RESCUER_MOVE:
        if m[pool + O_CPU] and m[pool + O_CPU] != cpu:
            m[frame + F_PC] -= STRIDE
            leave_for(m, cpu, m[pool + O_CPU])
        return
    if y == RESCUER_DONE:
        process_one_work_ends(m, cpu, worker)
    if next_item(m, cpu, frame, worker, x, False):
        return
    m[frame + F_R2] += y == RESCUER_DONE
    if not rescue_another(m, cpu, frame, worker, pool, m[frame + F_R4], x):
        kick(m, cpu, pool)
        m[worker + R_POOL] = 0
        m[worker + R_FLAGS] &= ~WORKER_UNBOUND
        m[frame + F_PC] = z


@compiled
def answer_mayday(m, cpu, frame, worker):
    """Attach to the pool of the first pwq that calls, or sleep."""
    maydays = m[worker + R_RESCUE_WQ] + WQ_MAYDAYS
    if list_empty(m, maydays):
        m[frame + F_PC] -= STRIDE
        m[m[cpu + C_CURRENT] + K_STATE] = TASK_IDLE
        schedule(m, cpu, 0)
        return
    pwq = m[maydays] - Y_MAYDAY_NODE
    list_del_init(m, pwq + Y_MAYDAY_NODE)
    m[frame + F_R1] = worker
    m[frame + F_R2] = 0
    m[frame + F_R4] = pwq
    m[worker + R_POOL] = m[pwq + Y_POOL]
    if m[m[pwq + Y_POOL] + O_FLAGS] & POOL_DISASSOCIATED:
        m[worker + R_FLAGS] |= WORKER_UNBOUND


@compiled
def rescue_another(m, cpu, frame, worker, pool, pwq, x):
    """assign_rescuer_work: begin the next item of the pwq while no worker can be made. Returns whether there was one."""
    if m[frame + F_R2] > RESCUER_BATCH and not list_empty(m, m[pwq + Y_WQ] + WQ_MAYDAYS) and needs_rescue(m, pool, pwq):
        if list_empty(m, pwq + Y_MAYDAY_NODE):
            list_add_tail(m, pwq + Y_MAYDAY_NODE, m[pwq + Y_WQ] + WQ_MAYDAYS)  # after the others that call
        return False
    work = m[pool + O_WORKLIST]
    while needs_rescue(m, pool, pwq) and work != pool + O_WORKLIST:
        if m[work + X_PWQ] != pwq:
            work = m[work]
        elif assign_work(m, work, worker):
            m[pwq + Y_RESCUED] += 1
            process_one_work(m, cpu, frame, worker, x)
            return True
        else:
            work = m[pool + O_WORKLIST]  # that one went to who runs it, its barriers too
    return False


@compiled
def needs_rescue(m, pool, pwq):
    return m[pwq + Y_NR_ACTIVE] and need_more_worker(m, pool) and m[pool + O_NR_IDLE] == 0
