"""Waiting for work items and taking them back: flush_work, flush_workqueue, drain_workqueue, cancel_work(_sync), disable_work.

kernel/workqueue.c insert_wq_barrier, __flush_workqueue (colors), try_to_grab_pending. Who waits sleeps in the instruction, and
does it again when woken; R_WAIT of its block says how far it is. For a BH item that runs on another CPU one waits busily, if it
is to be cancelled. Left out: the checks for deadlocks (check_flush_dependency); bottom halves off and on while one waits for a BH
item on PREEMPT_RT.
"""

from tophalf.model.fields import BLOCKED, C_CURRENT, F_ARG, F_LEFT, F_PC, F_R0, G_WORK, K_STATE, K_WORKER
from tophalf.model.ground.jit import compiled
from tophalf.model.ops import STRIDE
from tophalf.model.sched.contexts import charge
from tophalf.model.sched.sched import might_sleep, schedule
from tophalf.model.sched.tick import stop_timer
from tophalf.model.sched.wakeup import wake
from tophalf.model.work.workfields import (
    O_FLAGS,
    O_WORKLIST,
    POOL_BH,
    R_BARRIER,
    R_CURRENT_COLOR,
    R_CURRENT_PWQ,
    R_FLUSH_COLOR,
    R_FLUSHER,
    R_GRABBED,
    R_SCHEDULED,
    R_TASK,
    R_WAIT,
    W_BARRIER_FUNCTION,
    W_BARRIER_PROGRAM,
    WORK_NR_COLORS,
    WORK_OFFQ_BH,
    WORK_STRUCT_INACTIVE,
    WORK_STRUCT_LINKED,
    WORK_STRUCT_PENDING,
    WQ_DRAINERS,
    WQ_DRAINING,
    WQ_FIRST_FLUSHER,
    WQ_FLAGS,
    WQ_FLUSH_COLOR,
    WQ_FLUSHER_OVERFLOW,
    WQ_FLUSHER_QUEUE,
    WQ_PWQ_COUNT,
    WQ_PWQS,
    WQ_PWQS_TO_FLUSH,
    WQ_WORK_COLOR,
    X_ARG,
    X_CANCELLED,
    X_COLOR,
    X_CPU,
    X_DISABLE,
    X_FLAGS,
    X_FUNCTION,
    X_POOL,
    X_PROGRAM,
    X_PWQ,
    X_TIMER,
    X_WQ,
    Y_FLUSH_COLOR,
    Y_INACTIVE_WORKS,
    Y_NR_ACTIVE,
    Y_NR_IN_FLIGHT,
    Y_POOL,
    Y_WORK_COLOR,
    Y_WQ,
)
from tophalf.model.work.worklists import list_add_tail, list_del_init, list_empty
from tophalf.model.work.workops import (
    DELAYED,
    DISABLE,
    OP_BARRIER,
    OP_CANCEL_WORK,
    OP_CANCEL_WORK_SYNC,
    OP_DRAIN_BEGIN,
    OP_DRAIN_CHECK,
    OP_ENABLE_WORK,
    OP_FLUSH_WORK,
    OP_FLUSH_WORKQUEUE,
)
from tophalf.model.work.workpools import lock, unlock
from tophalf.model.work.workqueue import (
    find_worker_executing_work,
    get_work_pool,
    insert_work,
    move_linked_works,
    pwq_dec_nr_active,
    queue_delayed,
    queue_pending,
    set_pending,
)

AT_REST, WAITS, COMPLETED, CANCELLED = range(4)  # R_WAIT
NO_COLOR = -1
LOOK_NS = 100  # what one look of a busy wait takes (cpu_relax); assumed


@compiled
def execute_flush(m, cpu, frame, op, x, y):
    """x: an item or a workqueue. Waiting is done by the running task, whose block holds the barrier or the flusher."""
    waiter = m[m[cpu + C_CURRENT] + K_WORKER]
    if op == OP_FLUSH_WORK:
        flush_work(m, cpu, frame, waiter, x, y)
    elif op == OP_FLUSH_WORKQUEUE:
        flush_workqueue(m, cpu, frame, waiter, x)
    elif op == OP_DRAIN_BEGIN:
        m[x + WQ_DRAINERS] += 1
        m[x + WQ_FLAGS] |= WQ_DRAINING
    elif op == OP_DRAIN_CHECK:
        drained(m, frame, x)
    elif op == OP_CANCEL_WORK:
        m[frame + F_R0] = cancel_work(m, cpu, x, y)
    elif op == OP_CANCEL_WORK_SYNC:
        cancel_work_sync(m, cpu, frame, waiter, x, y)
    elif op == OP_ENABLE_WORK:
        m[x + X_DISABLE] -= 1
        m[frame + F_R0] = m[x + X_DISABLE] == 0
    elif op == OP_BARRIER:
        complete(m, cpu, m[frame + F_ARG])


# Completions


@compiled
def complete(m, cpu, waiter):
    """complete(): whoever waits has what it waits for."""
    m[waiter + R_WAIT] = COMPLETED
    irqs_off = lock(m, cpu)
    wake(m, cpu, m[waiter + R_TASK])
    unlock(m, cpu, irqs_off)


@compiled
def wait_for_completion(m, cpu, frame, waiter):
    """Returns whether it is complete; else the task sleeps, and does its instruction again."""
    if m[waiter + R_WAIT] == COMPLETED:
        m[waiter + R_WAIT] = AT_REST
        return True
    m[frame + F_PC] -= STRIDE
    m[m[cpu + C_CURRENT] + K_STATE] = BLOCKED
    schedule(m, cpu, 0)
    return False


# One item


@compiled
def flush_work(m, cpu, frame, waiter, work, delayed):
    """Wait until an item is neither queued nor runs. R0: whether there was anything to wait for."""
    if m[waiter + R_WAIT] == AT_REST:
        if might_sleep(m, cpu, frame):
            return
        if delayed == DELAYED and stop_timer(m, work + X_TIMER):
            queue_pending(m, cpu, m[work + X_CPU], m[work + X_WQ], work)
        m[frame + F_R0] = start_flush_work(m, cpu, waiter, work)
        if m[frame + F_R0] == 0:
            return
    wait_for_completion(m, cpu, frame, waiter)


@compiled
def start_flush_work(m, cpu, waiter, work):
    """Put a barrier behind an item that is queued, or to the worker that runs it. Returns False where it is neither."""
    pool, worker, pwq = get_work_pool(m, work), 0, m[work + X_PWQ]
    if pool == 0:
        return False
    if pwq == 0:
        worker = find_worker_executing_work(m, pool, work)
        if worker == 0:
            return False
        pwq = m[worker + R_CURRENT_PWQ]
    m[waiter + R_WAIT] = WAITS
    insert_wq_barrier(m, cpu, pwq, waiter, work, worker)
    return True


@compiled
def insert_wq_barrier(m, cpu, pwq, waiter, target, worker):
    """The barrier is an item of its own; it counts as in flight, but not as active."""
    barrier = waiter + R_BARRIER
    m[barrier + X_PROGRAM] = m[m[G_WORK] + W_BARRIER_PROGRAM]
    m[barrier + X_FUNCTION] = m[m[G_WORK] + W_BARRIER_FUNCTION]
    m[barrier + X_ARG] = waiter
    flags = WORK_STRUCT_INACTIVE
    if worker:
        head, color = m[worker + R_SCHEDULED], m[worker + R_CURRENT_COLOR]
    else:
        head, color = m[target], m[target + X_COLOR]
        flags |= m[target + X_FLAGS] & WORK_STRUCT_LINKED
        m[target + X_FLAGS] |= WORK_STRUCT_LINKED
    m[pwq + Y_NR_IN_FLIGHT + color] += 1
    irqs_off = lock(m, cpu)
    insert_work(m, cpu, pwq, barrier, head, color, flags)
    unlock(m, cpu, irqs_off)


@compiled
def cancel_work(m, cpu, work, how):
    """__cancel_work. Returns whether it was queued, or waited for its delay."""
    grabbed = try_to_grab_pending(m, cpu, work, how & DELAYED)
    if how & DISABLE:
        m[work + X_DISABLE] += 1
    m[work + X_FLAGS] &= ~(WORK_STRUCT_PENDING | WORK_STRUCT_INACTIVE | WORK_STRUCT_LINKED)
    return grabbed


@compiled
def try_to_grab_pending(m, cpu, work, delayed):
    """Take an item out of its timer or its queue. Returns whether it was there."""
    if delayed and stop_timer(m, work + X_TIMER):
        return True
    pwq = m[work + X_PWQ]
    if pwq == 0:
        return False
    inactive, irqs_off = m[work + X_FLAGS] & WORK_STRUCT_INACTIVE, lock(m, cpu)
    m[work + X_CANCELLED] += 1
    if inactive:  # its barriers must not stay among those that are counted when they become active
        move_linked_works(m, work, m[pwq + Y_POOL] + O_WORKLIST)
    list_del_init(m, work)
    m[work + X_PWQ] = 0
    m[work + X_POOL] = m[pwq + Y_POOL]
    m[work + X_FLAGS] = WORK_OFFQ_BH if m[m[pwq + Y_POOL] + O_FLAGS] & POOL_BH else 0
    pwq_dec_nr_in_flight(m, cpu, pwq, inactive, m[work + X_COLOR])
    unlock(m, cpu, irqs_off)
    return True


@compiled
def mod_delayed_work(m, cpu, wq, work, how):
    """mod_delayed_work_on. how: see workops.DELAY_UNIT. Returns whether it was queued, or waited for its delay."""
    grabbed = try_to_grab_pending(m, cpu, work, DELAYED)
    m[work + X_FLAGS] &= ~WORK_STRUCT_PENDING
    if set_pending(m, work):
        queue_delayed(m, cpu, wq, work, how)
    return grabbed


@compiled
def cancel_work_sync(m, cpu, frame, waiter, work, how):
    """Cancel, wait until it does not run, and let it be queued again (unless how has DISABLE). R0 as cancel_work answers."""
    if m[waiter + R_WAIT] == AT_REST:
        m[waiter + R_GRABBED] = cancel_work(m, cpu, work, how | DISABLE)
        m[waiter + R_WAIT] = CANCELLED
        if not m[work + X_FLAGS] & WORK_OFFQ_BH and might_sleep(m, cpu, frame):
            return
    if m[waiter + R_WAIT] == CANCELLED:
        m[waiter + R_WAIT] = AT_REST
        if not start_flush_work(m, cpu, waiter, work):
            cancelled(m, frame, waiter, work, how)
            return
    if m[waiter + R_WAIT] == WAITS and m[work + X_FLAGS] & WORK_OFFQ_BH:
        charge(m, cpu)
        m[frame + F_PC] -= STRIDE
        m[frame + F_LEFT] += LOOK_NS
    elif wait_for_completion(m, cpu, frame, waiter):
        cancelled(m, frame, waiter, work, how)


@compiled
def cancelled(m, frame, waiter, work, how):
    if not how & DISABLE:
        m[work + X_DISABLE] -= 1
    m[frame + F_R0] = m[waiter + R_GRABBED]


# A workqueue


@compiled
def pwq_dec_nr_in_flight(m, cpu, pwq, inactive, color):
    """An item is done or was taken off: the next may become active, and a flush of its color may be over."""
    if not inactive:
        pwq_dec_nr_active(m, cpu, pwq)
    m[pwq + Y_NR_IN_FLIGHT + color] -= 1
    if m[pwq + Y_FLUSH_COLOR] != color or m[pwq + Y_NR_IN_FLIGHT + color]:
        return
    m[pwq + Y_FLUSH_COLOR] = NO_COLOR
    wq = m[pwq + Y_WQ]
    m[wq + WQ_PWQS_TO_FLUSH] -= 1
    if m[wq + WQ_PWQS_TO_FLUSH] == 0:
        complete(m, cpu, m[wq + WQ_FIRST_FLUSHER])


@compiled
def next_color(color):
    return (color + 1) % WORK_NR_COLORS


@compiled
def flush_workqueue(m, cpu, frame, waiter, wq):
    """Wait for all items that are queued by now. Items queued from here on are of another color."""
    if m[waiter + R_WAIT] == AT_REST and (might_sleep(m, cpu, frame) or not start_flush_workqueue(m, cpu, waiter, wq)):
        return
    if wait_for_completion(m, cpu, frame, waiter) and m[wq + WQ_FIRST_FLUSHER] == waiter:
        cascade(m, cpu, wq)


@compiled
def start_flush_workqueue(m, cpu, waiter, wq):
    """Returns whether there is anything to wait for."""
    m[waiter + R_FLUSH_COLOR] = NO_COLOR
    if next_color(m[wq + WQ_WORK_COLOR]) == m[wq + WQ_FLUSH_COLOR]:
        list_add_tail(m, waiter + R_FLUSHER, wq + WQ_FLUSHER_OVERFLOW)
    else:
        m[waiter + R_FLUSH_COLOR] = m[wq + WQ_WORK_COLOR]
        m[wq + WQ_WORK_COLOR] = next_color(m[wq + WQ_WORK_COLOR])
        if m[wq + WQ_FIRST_FLUSHER]:
            list_add_tail(m, waiter + R_FLUSHER, wq + WQ_FLUSHER_QUEUE)
            flush_workqueue_prep_pwqs(m, wq, NO_COLOR, m[wq + WQ_WORK_COLOR])
        elif flush_workqueue_prep_pwqs(m, wq, m[wq + WQ_FLUSH_COLOR], m[wq + WQ_WORK_COLOR]):
            m[wq + WQ_FIRST_FLUSHER] = waiter
        else:
            m[wq + WQ_FLUSH_COLOR] = m[wq + WQ_WORK_COLOR]
            return False
    m[waiter + R_WAIT] = WAITS
    return True


@compiled
def flush_workqueue_prep_pwqs(m, wq, flush_color, work_color):
    """Let the pwqs watch one color, and give items from now on another. Returns whether there are items to wait for."""
    for at in range(m[wq + WQ_PWQ_COUNT]):
        pwq = m[m[wq + WQ_PWQS] + at]
        if flush_color >= 0 and m[pwq + Y_NR_IN_FLIGHT + flush_color]:
            m[pwq + Y_FLUSH_COLOR] = flush_color
            m[wq + WQ_PWQS_TO_FLUSH] += 1
        if work_color >= 0:
            m[pwq + Y_WORK_COLOR] = work_color
    return m[wq + WQ_PWQS_TO_FLUSH] != 0


@compiled
def cascade(m, cpu, wq):
    """The first flusher is done: so are those of its color, and the next color has its first flusher."""
    while True:
        m[wq + WQ_FIRST_FLUSHER] = 0
        queue = wq + WQ_FLUSHER_QUEUE
        while not list_empty(m, queue) and m[m[queue] - R_FLUSHER + R_FLUSH_COLOR] == m[wq + WQ_FLUSH_COLOR]:
            complete(m, cpu, take_first(m, queue))
        m[wq + WQ_FLUSH_COLOR] = next_color(m[wq + WQ_FLUSH_COLOR])
        if not list_empty(m, wq + WQ_FLUSHER_OVERFLOW):
            take_overflow(m, wq)
        if list_empty(m, queue):
            return
        m[wq + WQ_FIRST_FLUSHER] = take_first(m, queue)
        if flush_workqueue_prep_pwqs(m, wq, m[wq + WQ_FLUSH_COLOR], NO_COLOR):
            return
        complete(m, cpu, m[wq + WQ_FIRST_FLUSHER])


@compiled
def take_first(m, queue):
    waiter = m[queue] - R_FLUSHER
    list_del_init(m, waiter + R_FLUSHER)
    return waiter


@compiled
def take_overflow(m, wq):
    """Those that found no color free share the one that is now."""
    while not list_empty(m, wq + WQ_FLUSHER_OVERFLOW):
        waiter = take_first(m, wq + WQ_FLUSHER_OVERFLOW)
        m[waiter + R_FLUSH_COLOR] = m[wq + WQ_WORK_COLOR]
        list_add_tail(m, waiter + R_FLUSHER, wq + WQ_FLUSHER_QUEUE)
    m[wq + WQ_WORK_COLOR] = next_color(m[wq + WQ_WORK_COLOR])
    flush_workqueue_prep_pwqs(m, wq, NO_COLOR, m[wq + WQ_WORK_COLOR])


@compiled
def drained(m, frame, wq):
    """drain_workqueue, after a flush: done when nothing is left, else flush again (the instruction before)."""
    for at in range(m[wq + WQ_PWQ_COUNT]):
        pwq = m[m[wq + WQ_PWQS] + at]
        if m[pwq + Y_NR_ACTIVE] or not list_empty(m, pwq + Y_INACTIVE_WORKS):
            m[frame + F_PC] -= 2 * STRIDE
            return
    m[wq + WQ_DRAINERS] -= 1
    if m[wq + WQ_DRAINERS] == 0:
        m[wq + WQ_FLAGS] &= ~WQ_DRAINING
