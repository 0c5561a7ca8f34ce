"""Bottom halves off: a count on the CPU, and on PREEMPT_RT a lock of the CPU that tasks wait for.

kernel/softirq.c __local_bh_disable_ip for both. On RT the count is the task's (softirq_disable_cnt), so the task can be preempted
while others that want bottom halves off wait, and lend it their priority (kernel/locking/rtmutex.c). Here the word
C_PREEMPT_COUNT is kept by task, so its softirq bits are both. Left out: chains of lenders.
"""

from tophalf.model.cpu.fallback import waits_for_bh
from tophalf.model.fields import (
    BLOCKED,
    C_BH_OWNER,
    C_BH_WAITERS,
    C_CURRENT,
    C_NEED_RESCHED,
    C_PREEMPT_COUNT,
    C_RT_HEAD,
    F_PC,
    FAIR,
    FIFO,
    G_PREEMPT,
    K_BOOSTED,
    K_ON_RQ,
    K_OWN_PRIORITY,
    K_POLICY,
    K_PRIORITY,
    K_STATE,
    K_WAIT_NEXT,
    RTLOCK_WAIT,
    SOFTIRQ_MASK,
)
from tophalf.model.ground.jit import compiled, inlined
from tophalf.model.ground.lists import unlink
from tophalf.model.ops import STRIDE
from tophalf.model.sched.fair import joins_class, leaves_class, settle_minimum
from tophalf.model.sched.sched import PREEMPT_RT, schedule
from tophalf.model.sched.wakeup import dequeue, enqueue, wake


@inlined
def is_rt(m):
    return m[G_PREEMPT] == PREEMPT_RT


@compiled
def bh_disable(m, cpu, frame, offset):
    """Keep softirqs of this CPU away. Returns False where the task has to wait first; `frame` does its instruction again then."""
    if is_rt(m) and m[cpu + C_PREEMPT_COUNT] & SOFTIRQ_MASK == 0:
        current = m[cpu + C_CURRENT]
        if m[cpu + C_BH_OWNER] != current and not takes(m, cpu, current):
            m[frame + F_PC] -= STRIDE
            wait(m, cpu, current)
            return False
    m[cpu + C_PREEMPT_COUNT] += offset
    return True


@compiled
def takes(m, cpu, task):
    """try_to_take_rt_mutex: a lock that nobody has, if the task is the first who waits, or may go before that one.

    A fair task may go before another: it runs, and the one that was woken for the lock does not yet (rt_mutex_steal).
    """
    first = m[cpu + C_BH_WAITERS]
    if m[cpu + C_BH_OWNER] or first and first != task and not steals(m, task, first):
        return False
    if waits_for_bh(m, cpu, task):
        unlink(m, cpu + C_BH_WAITERS, task, K_WAIT_NEXT)
    m[cpu + C_BH_OWNER] = task
    return True


@compiled
def steals(m, task, first):
    if m[task + K_POLICY] == FIFO:
        return not goes_first(m, first, task)
    return m[first + K_POLICY] != FIFO


@compiled
def wait(m, cpu, task):
    """Sleep until the lock is free (D: TASK_RTLOCK_WAIT is told as uninterruptible); who has it is lent the priority."""
    owner = m[cpu + C_BH_OWNER]
    if not waits_for_bh(m, cpu, task):
        link = cpu + C_BH_WAITERS
        while m[link] and goes_first(m, m[link], task):
            link = m[link] + K_WAIT_NEXT
        m[task + K_WAIT_NEXT] = m[link]
        m[link] = task
        if owner and m[task + K_POLICY] == FIFO and not goes_first(m, owner, task):
            boost(m, cpu, owner, m[task + K_PRIORITY])
    m[task + K_STATE] = RTLOCK_WAIT
    schedule(m, cpu, 0)


@compiled
def goes_first(m, one, other):
    """Whether one task is of no lower priority than another; fair ones are all equal."""
    if m[other + K_POLICY] != FIFO:
        return True
    return m[one + K_POLICY] == FIFO and m[one + K_PRIORITY] >= m[other + K_PRIORITY]


@compiled
def boost(m, cpu, owner, priority):
    """rt_mutex_setprio: the owner runs at the priority of the first who waits."""
    if not m[owner + K_BOOSTED]:
        m[owner + K_BOOSTED] = 1 + m[owner + K_POLICY]
        m[owner + K_OWN_PRIORITY] = m[owner + K_PRIORITY]
    change_class(m, cpu, owner, FIFO, priority)


@compiled
def change_class(m, cpu, task, policy, priority):
    """Another class or priority: of one that waits (lent), or of the running one (given back)."""
    queued, was_fair = m[task + K_ON_RQ], m[task + K_POLICY] == FAIR
    if was_fair:
        leaves_class(m, cpu, task)
    if queued:
        dequeue(m, cpu, task)
    if was_fair:
        settle_minimum(m, cpu)
    m[task + K_POLICY] = policy
    m[task + K_PRIORITY] = priority
    if policy == FAIR:
        joins_class(m, cpu, task)
    if queued:
        enqueue(m, cpu, task, 0)


@compiled
def release(m, cpu):
    """The running task has bottom halves on again: the first who waits is woken to take the lock, which is free until it runs."""
    task = m[cpu + C_CURRENT]
    if m[cpu + C_BH_OWNER] != task:
        return
    if m[task + K_BOOSTED]:
        change_class(m, cpu, task, m[task + K_BOOSTED] - 1, m[task + K_OWN_PRIORITY])
        m[task + K_BOOSTED] = 0
        if m[task + K_POLICY] == FAIR and m[cpu + C_RT_HEAD]:
            m[cpu + C_NEED_RESCHED] = 1
    first = m[cpu + C_BH_WAITERS]
    m[cpu + C_BH_OWNER] = 0
    if first and m[first + K_STATE] == RTLOCK_WAIT:
        m[first + K_STATE] = BLOCKED
        wake(m, cpu, first)
