"""Instructions that check a driver while it runs: its locks, what it is entered and left with, what it waits for.

kernel/irq/handle.c, kernel/softirq.c, kernel/time/timer.c, kernel/workqueue.c, kernel/exit.c compare what they called with what it
left; kernel/locking/lockdep.c and kernel/sched/core.c warn where interrupts and preemption are enabled. What a function leaves
otherwise than it was entered with is put back after the complaint, as the kernel's softirqs and timers do, so that it is complained
of where it was done. A lock that is left held stays taken.
"""

from tophalf.model.check.awkward import look
from tophalf.model.check.checkfields import (
    CK_QUEUES,
    H_IRQS,
    H_PSEUDO,
    H_WERE_OFF,
    HD_CHECKS,
    HD_DEPTH,
    HD_LOCKS,
    HELD_SIZE,
    HL_FLAGS,
    U_HARDIRQS_ON,
    U_SOFTIRQS_ON,
)
from tophalf.model.check.checkkinds import (
    ANSWER,
    BH,
    BH_IRQS,
    FREED,
    HELD_AT_END,
    IRQS_AT_END,
    IRQS_ON_CALLER,
    IRQS_ON_HARDIRQ,
    NO_THREAD,
    NOT_HELD,
    PREEMPT,
    PREEMPT_AT_END,
    RECLAIM,
    RESTORE_WITH_IRQS_ON,
    TIMER_SYNC,
)
from tophalf.model.check.checkops import (
    CHECK_ACQUIRE,
    CHECK_ANSWER,
    CHECK_BH,
    CHECK_BH_ON,
    CHECK_ENTER,
    CHECK_FLUSH,
    CHECK_IRQS_ON,
    CHECK_IRQS_RESTORE,
    CHECK_LEAVE,
    CHECK_PREEMPT_ON,
    CHECK_RELEASE,
    CHECK_STEP,
    CHECK_TIMER,
    CHECK_USE,
    CHECK_WAIT,
)
from tophalf.model.check.checkroles import HANDLER, WORK
from tophalf.model.check.complain import complain, held_of, here
from tophalf.model.check.lockdep import acquire, mark_held, release
from tophalf.model.fields import (
    A_THREAD,
    C_CURRENT,
    C_IRQS_OFF,
    C_PREEMPT_COUNT,
    F_KIND,
    F_PC,
    F_R1,
    FRAME_SIZE,
    HARDIRQ_MASK,
    IN_HARDIRQ,
    IRQ_HANDLED,
    IRQ_WAKE_THREAD,
    K_WORKER,
    SOFTIRQ_DISABLE_OFFSET,
    SOFTIRQ_MASK,
    SOFTIRQ_OFFSET,
)
from tophalf.model.ground.jit import compiled, inlined
from tophalf.model.ops import STRIDE
from tophalf.model.work.workfields import R_CURRENT_PWQ, WQ_FLAGS, WQ_MEM_RECLAIM, X_POOL, X_PWQ, Y_WQ
from tophalf.model.work.workqueue import find_worker_executing_work

PREEMPT_BITS = 0xFF
DEPTHS = 64  # more than HELD_MAX


@compiled
def execute_check(m, cpu, frame, local, op, x, y, z):
    """One instruction; `checkops` says what x, y and z are."""
    if op == CHECK_ENTER:
        enter(m, cpu, frame, local + x, y, z)
    elif op == CHECK_LEAVE:
        leave(m, cpu, frame, local, x, y, z)
    elif op == CHECK_ACQUIRE:
        acquire(m, cpu, x, y, here(m, frame))
    elif op == CHECK_RELEASE:
        check_release(m, cpu, frame, x, y)
    elif op == CHECK_WAIT:
        acquire(m, cpu, x, H_PSEUDO, here(m, frame))
        release(m, cpu, x)
    elif op == CHECK_FLUSH:
        check_flush(m, cpu, frame, x, y)
    elif op == CHECK_ANSWER:
        judge_answer(m, cpu, frame, m[local + y - 1])
    elif op == CHECK_STEP:
        look(m, cpu, x, y)
    elif op == CHECK_USE:
        if m[x]:
            complain(m, cpu, FREED, here(m, frame), z, y)
    elif op == CHECK_TIMER:
        if m[cpu + C_PREEMPT_COUNT] & HARDIRQ_MASK:
            complain(m, cpu, TIMER_SYNC, here(m, frame), 0, 0)
    else:
        check_enabling(m, cpu, frame, local, op, x)


@compiled
def check_enabling(m, cpu, frame, local, op, x):
    """Where interrupts, bottom halves or preemption come on."""
    if op == CHECK_IRQS_ON:
        irqs_on(m, cpu, frame)
    elif op == CHECK_IRQS_RESTORE:
        if m[local + x] == 0:
            if m[cpu + C_IRQS_OFF] == 0:
                complain(m, cpu, RESTORE_WITH_IRQS_ON, here(m, frame), 0, 0)
            irqs_on(m, cpu, frame)
    elif op == CHECK_BH:
        bh_on(m, cpu, frame)
    elif op == CHECK_BH_ON:
        if not bh_on(m, cpu, frame):
            m[frame + F_PC] += STRIDE
    elif op == CHECK_PREEMPT_ON and m[cpu + C_PREEMPT_COUNT] & PREEMPT_BITS == 0:
        complain(m, cpu, PREEMPT, here(m, frame), 0, 0)
        m[frame + F_PC] += STRIDE


@compiled
def check_release(m, cpu, frame, lock, how):
    """lock_release; with H_IRQS interrupts come on after it, whatever they were before.

    A caller had them off where taking the lock turned off what was off already. Who turns them off with local_irq_disable, or
    with another lock that has been let go of, may turn them on like this.
    """
    was = release(m, cpu, lock)
    if was < 0:
        complain(m, cpu, NOT_HELD, here(m, frame), lock, 0)
    elif how & H_IRQS:
        if was & H_WERE_OFF and was & H_IRQS:
            complain(m, cpu, IRQS_ON_CALLER, here(m, frame), lock, 0)
        else:
            irqs_on(m, cpu, frame)


@compiled
def irqs_on(m, cpu, frame):
    """lockdep_hardirqs_on_prepare."""
    count = m[cpu + C_PREEMPT_COUNT]
    if count & HARDIRQ_MASK:
        complain(m, cpu, IRQS_ON_HARDIRQ, here(m, frame), 0, 0)
    elif m[cpu + C_IRQS_OFF]:
        mark_held(m, cpu, U_HARDIRQS_ON | (0 if count & SOFTIRQ_MASK else U_SOFTIRQS_ON))


@compiled
def bh_on(m, cpu, frame):
    """__local_bh_enable_ip. Returns whether they had been disabled."""
    count = m[cpu + C_PREEMPT_COUNT]
    if m[cpu + C_IRQS_OFF]:
        complain(m, cpu, BH_IRQS, here(m, frame), 0, 0)
    if count & SOFTIRQ_MASK < SOFTIRQ_DISABLE_OFFSET:
        complain(m, cpu, BH, here(m, frame), 0, 0)
        return False
    if count & SOFTIRQ_MASK == SOFTIRQ_DISABLE_OFFSET and m[cpu + C_IRQS_OFF] == 0:
        mark_held(m, cpu, U_SOFTIRQS_ON)
    return True


@inlined
def enter(m, cpu, frame, entered, lock, role):
    """The kernel has called a function: what it must be left with; who waits for it waits for all that it waits for."""
    depth = m[held_of(m, m[cpu + C_CURRENT]) + HD_DEPTH]
    m[entered] = (m[cpu + C_PREEMPT_COUNT] * DEPTHS + depth) * 2 + m[cpu + C_IRQS_OFF]
    if lock:
        if role == WORK:
            enter_queue(m, cpu, frame)
        acquire(m, cpu, lock, H_PSEUDO, here(m, frame))


@compiled
def enter_queue(m, cpu, frame):
    """process_one_work: the map of its workqueue, before its own. Left out: that of one that runs in softirqs."""
    if m[cpu + C_PREEMPT_COUNT] & SOFTIRQ_OFFSET:
        return
    wq = m[m[m[m[cpu + C_CURRENT] + K_WORKER] + R_CURRENT_PWQ] + Y_WQ]
    pair = m[m[held_of(m, m[cpu + C_CURRENT]) + HD_CHECKS] + CK_QUEUES]
    while m[pair]:
        if m[pair] == wq:
            acquire(m, cpu, m[pair + 1], H_PSEUDO, here(m, frame))
        pair += 2


@inlined
def leave(m, cpu, frame, local, x, answer, role):
    """It is about to return."""
    entered, held = m[local + x], held_of(m, m[cpu + C_CURRENT])
    depth = entered // 2 % DEPTHS
    if m[held + HD_DEPTH] != depth or entered % 2 != m[cpu + C_IRQS_OFF] or entered // (2 * DEPTHS) != m[cpu + C_PREEMPT_COUNT]:
        left_otherwise(m, cpu, frame, entered, held, role)
    if answer and role == HANDLER:
        judge_answer(m, cpu, frame, m[local + answer - 1])


@compiled
def left_otherwise(m, cpu, frame, entered, held, role):
    """Something is not as it was, if only the maps of what waits for it, which are let go of now."""
    depth, count = entered // 2 % DEPTHS, entered // (2 * DEPTHS)
    locks = locks_from(m, held, depth)
    if entered % 2 != m[cpu + C_IRQS_OFF]:
        complain(m, cpu, IRQS_AT_END, here(m, frame), role, count)
    if locks:
        complain(m, cpu, HELD_AT_END, here(m, frame), role, count)
    elif count != m[cpu + C_PREEMPT_COUNT]:
        complain(m, cpu, PREEMPT_AT_END, here(m, frame), role, count)
    m[held + HD_DEPTH] = depth
    m[cpu + C_IRQS_OFF] = entered % 2
    m[cpu + C_PREEMPT_COUNT] = count


@compiled
def locks_from(m, held, depth):
    """How many locks are held above that many entries."""
    found = 0
    for number in range(depth, m[held + HD_DEPTH]):
        if m[held + HD_LOCKS + number * HELD_SIZE + HL_FLAGS] & H_PSEUDO == 0:
            found += 1
    return found


@compiled
def judge_answer(m, cpu, frame, answer):
    """kernel/irq/spurious.c bad_action_ret; kernel/irq/handle.c warn_no_thread. The hardirq's own frame has the action in R1."""
    place = here(m, frame)
    if answer < 0 or answer > IRQ_HANDLED | IRQ_WAKE_THREAD:
        complain(m, cpu, ANSWER, place, answer, 0)
    elif answer == IRQ_WAKE_THREAD and m[cpu + C_PREEMPT_COUNT] & HARDIRQ_MASK:
        while m[frame - FRAME_SIZE + F_KIND] == IN_HARDIRQ:
            frame -= FRAME_SIZE
        action = m[frame + F_R1]
        if m[action + A_THREAD] == 0:
            complain(m, cpu, NO_THREAD, place, action, 0)


@compiled
def check_flush(m, cpu, frame, work, wq):
    """check_flush_dependency: work that frees memory must not wait for work of a workqueue without a rescuer."""
    worker = m[m[cpu + C_CURRENT] + K_WORKER]
    pwq = m[worker + R_CURRENT_PWQ] if worker else 0
    if pwq == 0 or m[m[pwq + Y_WQ] + WQ_FLAGS] & WQ_MEM_RECLAIM == 0:
        return
    target = m[target_of(m, work) + Y_WQ] if work and target_of(m, work) else wq
    if target and m[target + WQ_FLAGS] & WQ_MEM_RECLAIM == 0:
        complain(m, cpu, RECLAIM, here(m, frame), m[pwq + Y_WQ], target)


@compiled
def target_of(m, work):
    """The pwq where an item waits or runs, 0 for neither."""
    if m[work + X_PWQ] or m[work + X_POOL] == 0:
        return m[work + X_PWQ]
    worker = find_worker_executing_work(m, m[work + X_POOL], work)
    return m[worker + R_CURRENT_PWQ] if worker else 0
