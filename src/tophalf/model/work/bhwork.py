"""The workers of BH pools, which are no tasks: items run in the softirqs TASKLET and HI, before the tasklets.

kernel/workqueue.c workqueue_softirq_action, bh_worker. The frame holds: R1 the worker, R2 how many more items it may run, R3
the jiffy at which it ends. Left out: the pools of a CPU that is dead (drain_dead_softirq_workfn).
"""

from tophalf import vocab
from tophalf.model.fields import (
    C_WORK,
    F_PC,
    F_R1,
    F_R2,
    F_R3,
    G_HZ_NS,
)
from tophalf.model.ground.jit import compiled
from tophalf.model.ops import STRIDE
from tophalf.model.sched.tick import jiffies
from tophalf.model.work.workfields import (
    BH_WORKER_NS,
    BH_WORKER_RESTARTS,
    O_WORKERS,
    R_POOL,
    U_BH_HIGHPRI_POOL,
    U_BH_POOL,
    WORKER_PREP,
)
from tophalf.model.work.workops import BH_BEGIN
from tophalf.model.work.workpools import (
    lock,
    need_more_worker,
    unlock,
    worker_clr_flags,
    worker_enter_idle,
    worker_leave_idle,
    worker_set_flags,
)
from tophalf.model.work.workqueue import kick
from tophalf.model.work.workrun import next_item, process_one_work_ends


@compiled
def execute_bh_worker(m, cpu, frame, x, y, vector):
    """bh_worker, before the tasklets of a softirq. x: where those begin."""
    if y == BH_BEGIN:
        pool = m[m[cpu + C_WORK] + (U_BH_HIGHPRI_POOL if vector == vocab.HI else U_BH_POOL)]
        if not need_more_worker(m, pool):
            m[frame + F_PC] = x
            return
        worker = m[m[pool + O_WORKERS]]
        m[frame + F_R1] = worker
        m[frame + F_R2] = BH_WORKER_RESTARTS
        m[frame + F_R3] = jiffies(m) + -(-BH_WORKER_NS // m[G_HZ_NS])
        worker_leave_idle(m, worker)
        worker_clr_flags(m, worker, WORKER_PREP)
        next_item(m, cpu, frame, worker, m[frame + F_PC], True)
        return
    worker = m[frame + F_R1]
    process_one_work_ends(m, cpu, worker)
    after = m[frame + F_PC] - 2 * STRIDE
    if next_item(m, cpu, frame, worker, after, False):
        return
    m[frame + F_R2] -= 1
    if not (m[frame + F_R2] and jiffies(m) < m[frame + F_R3]) or not next_item(m, cpu, frame, worker, after, True):
        bh_worker_ends(m, cpu, worker)
        m[frame + F_PC] = x


@compiled
def bh_worker_ends(m, cpu, worker):
    """What is left makes the softirq be raised again."""
    irqs_off = lock(m, cpu)
    worker_set_flags(m, worker, WORKER_PREP)
    worker_enter_idle(m, worker)
    kick(m, cpu, m[worker + R_POOL])
    unlock(m, cpu, irqs_off)
