"""Workers: what they run, when a pool makes another one, the rescuer, and the workers of BH pools, which are softirqs.

kernel/workqueue.c process_one_work, worker_thread, manage_workers, rescuer_thread, bh_worker. A worker's loop is three instructions
(`microcode`): what the kernel does without letting go of the pool's lock is one. The frame holds: R1 the worker, R2 how
many more items a BH worker may run, or how many a rescuer has run, R3 the jiffy at which the BH worker ends, R4 what a rescuer
helps. Left out: workers that die, the failure to make one (it only takes time), CPUs that go offline.
"""

from tophalf import vocab
from tophalf.model.contexts import call
from tophalf.model.fields import (
    BLOCKED,
    C_CURRENT,
    C_WORK,
    F_PC,
    F_R1,
    F_R2,
    F_R3,
    F_R4,
    G_HZ_NS,
    G_NOW,
    G_WORK,
    K_CHARGED,
    K_CPU,
    K_STATE,
    K_TIMER,
    K_WORKER,
)
from tophalf.model.jit import compiled
from tophalf.model.ops import STRIDE
from tophalf.model.sched import schedule
from tophalf.model.taskmove import leave_for
from tophalf.model.tick import del_timer, jiffies, start_timer
from tophalf.model.trace import emit
from tophalf.model.wakeup import wake
from tophalf.model.workfields import (
    BH_WORKER_NS,
    BH_WORKER_RESTARTS,
    O_BUSY,
    O_CPU,
    O_FLAGS,
    O_MAYDAY_TIMER,
    O_NR_IDLE,
    O_NR_RUNNING,
    O_NR_WORKERS,
    O_WORKERS,
    O_WORKERS_MAX,
    O_WORKLIST,
    POOL_BH,
    POOL_DISASSOCIATED,
    POOL_MANAGER_ACTIVE,
    R_CURRENT_AT,
    R_CURRENT_COLOR,
    R_CURRENT_FUNC,
    R_CURRENT_PWQ,
    R_CURRENT_WORK,
    R_EXISTS,
    R_FLAGS,
    R_HENTRY,
    R_INACTIVE,
    R_POOL,
    R_RESCUE_WQ,
    R_SCHEDULED,
    R_TASK,
    RESCUER_BATCH,
    TASK_IDLE,
    U_BH_HIGHPRI_POOL,
    U_BH_POOL,
    W_CREATE_NS,
    WORK_OFFQ_BH,
    WORK_STRUCT_INACTIVE,
    WORKER_CPU_INTENSIVE,
    WORKER_PREP,
    WORKER_UNBOUND,
    WQ_CPU_INTENSIVE,
    WQ_FLAGS,
    WQ_MAYDAYS,
    WQ_RESCUER,
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
    Y_MAYDAY,
    Y_MAYDAY_NODE,
    Y_NR_ACTIVE,
    Y_POOL,
    Y_RESCUED,
    Y_STARTED,
    Y_WQ,
)
from tophalf.model.workflush import pwq_dec_nr_in_flight
from tophalf.model.worklists import list_add, list_add_tail, list_del_init, list_empty
from tophalf.model.workops import (
    BH_BEGIN,
    OP_BH_WORKER,
    OP_RESCUER,
    OP_WORK_DONE,
    OP_WORK_END,
    OP_WORKER_BEGIN,
    OP_WORKER_CREATED,
    RESCUER_DONE,
    RESCUER_MOVE,
    RESCUER_NEXT,
)
from tophalf.model.workpools import (
    choose_cpu,
    lock,
    need_more_worker,
    unlock,
    worker_clr_flags,
    worker_enter_idle,
    worker_leave_idle,
    worker_set_flags,
)
from tophalf.model.workqueue import find_worker_executing_work, kick, move_linked_works


@compiled
def execute_worker(m, cpu, frame, op, x, y, z):
    """Instructions of workers; x, y, z: where to go on, or what a BH worker or a rescuer does."""
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
    elif op == OP_BH_WORKER:
        execute_bh_worker(m, cpu, frame, x, y, z)
    elif op == OP_RESCUER:
        execute_rescuer(m, cpu, frame, x, y, z)


# Items


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


# Workers that are tasks


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
        worker_clr_flags(m, worker, WORKER_PREP)
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
    start_timer(m, pool + O_MAYDAY_TIMER, cpu, (jiffies(m) + ticks) * m[G_HZ_NS] - 1)


@compiled
def made_worker(m, cpu, frame, pool):
    """The new worker is there. Returns False where another is needed already: the instruction is done again then."""
    del_timer(m, pool + O_MAYDAY_TIMER)
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
            worker_enter_idle(m, worker)
            if m[pool + O_CPU] == 0:
                choose_cpu(m, cpu, pool, m[worker + R_TASK])
            wake(m, cpu, m[worker + R_TASK])
            unlock(m, cpu, irqs_off)
            return


# Rescuers


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
        following = m[work]
        if m[work + X_PWQ] == pwq and assign_work(m, work, worker):
            m[pwq + Y_RESCUED] += 1
            process_one_work(m, cpu, frame, worker, x)
            return True
        work = following
    return False


@compiled
def needs_rescue(m, pool, pwq):
    return m[pwq + Y_NR_ACTIVE] and need_more_worker(m, pool) and m[pool + O_NR_IDLE] == 0


# BH workers


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
