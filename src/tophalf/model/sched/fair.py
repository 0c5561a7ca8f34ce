"""The fair class: which of the tasks that can run goes first, and when one has had enough. 6.12: EEVDF; 6.1: CFS.

kernel/sched/fair.c: avg_vruntime, entity_eligible, pick_eevdf, place_entity, update_deadline, dequeue_entity (6.12); 6.1's
place_entity, wakeup_preempt_entity, check_preempt_tick. A CPU's queue is a list in order of virtual deadline (6.12) or
virtual runtime (6.1); the task that runs, `running` (0: none), is beside it. Virtual times are ns scaled by 1024 / weight.
Left out: groups, load balancing, the idle and batch policies, slices of a task's own, the fair server.
"""

from tophalf.model.fields import (
    C_FAIR_HEAD,
    C_LAST_BUDDY,
    C_MIN_VRUNTIME,
    C_NEXT_BUDDY,
    DEAD,
    G_CPU_COUNT,
    G_HZ_NS,
    G_KERNEL,
    K_CHARGED,
    K_CPU,
    K_DEADLINE,
    K_DELAYED,
    K_NEXT,
    K_PICKED,
    K_PROTECTED,
    K_RUNTIME,
    K_STATE,
    K_VLAG,
    K_VRUNTIME,
    K_WEIGHT,
    PARKED,
)
from tophalf.model.ground.jit import compiled
from tophalf.model.ground.lists import unlink

KERNEL_6_1 = 601
NICE_0 = 1024
# kernel/sched/core.c sched_prio_to_weight, nice -20 to 19
WEIGHTS = (
    88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916, 9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991, 1586,
    1277, 1024, 820, 655, 526, 423, 335, 272, 215, 172, 137, 110, 87, 70, 56, 45, 36, 29, 23, 18, 15,
)  # fmt: skip
BASE_SLICE_NS = 700_000  # 6.12 sysctl_sched_base_slice; each of these is multiplied by `scaling`
# 6.1: sysctl_sched_latency, sysctl_sched_min_granularity, sysctl_sched_wakeup_granularity; sched_nr_latency
LATENCY_NS, MIN_GRANULARITY_NS, WAKEUP_GRANULARITY_NS, LATENCY_TASKS = 6_000_000, 750_000, 1_000_000, 8


def weight_of_nice(nice):
    """The weight of a nice level, -20 to 19."""
    return WEIGHTS[nice + 20]


@compiled
def scaling(m):
    """get_update_sysctl_factor: 1 + log2 of the CPUs, of 8 at most."""
    cpus, factor = min(m[G_CPU_COUNT], 8), 1
    while cpus > 1:
        cpus >>= 1
        factor += 1
    return factor


@compiled
def is_cfs(m):
    return m[G_KERNEL] <= KERNEL_6_1


@compiled
def virtual(m, task, time_ns):
    """calc_delta_fair."""
    return time_ns * NICE_0 // m[task + K_WEIGHT]


@compiled
def slice_ns(m):
    return BASE_SLICE_NS * scaling(m)


# The average


@compiled
def load_of(m, cpu, running):
    """The weight of all that compete."""
    load = m[running + K_WEIGHT] if running else 0
    task = m[cpu + C_FAIR_HEAD]
    while task:
        load += m[task + K_WEIGHT]
        task = m[task + K_NEXT]
    return load


@compiled
def weighted_sum(m, cpu, running, zero):
    """The sum of weight times virtual runtime, less `zero` each."""
    total = (m[running + K_VRUNTIME] - zero) * m[running + K_WEIGHT] if running else 0
    task = m[cpu + C_FAIR_HEAD]
    while task:
        total += (m[task + K_VRUNTIME] - zero) * m[task + K_WEIGHT]
        task = m[task + K_NEXT]
    return total


@compiled
def average_vruntime(m, cpu, running):
    """avg_vruntime: the weighted average, rounded down; where nobody competes, what it was last."""
    load = load_of(m, cpu, running)
    if load:
        zero = m[cpu + C_MIN_VRUNTIME]
        m[cpu + C_MIN_VRUNTIME] = zero + weighted_sum(m, cpu, running, zero) // load
    return m[cpu + C_MIN_VRUNTIME]


@compiled
def is_eligible(m, cpu, running, task):
    """entity_eligible: a competing task had no more than its share."""
    zero = m[cpu + C_MIN_VRUNTIME]
    return weighted_sum(m, cpu, running, zero) >= (m[task + K_VRUNTIME] - zero) * load_of(m, cpu, running)


@compiled
def lag(m, cpu, running, task):
    """entity_lag: how far a task is behind the average, within two slices or a tick."""
    limit = virtual(m, task, max(2 * slice_ns(m), m[G_HZ_NS]))
    return max(-limit, min(limit, average_vruntime(m, cpu, running) - m[task + K_VRUNTIME]))


# The queue


@compiled
def insert(m, cpu, task):
    """Into the queue, after its equals."""
    key = K_VRUNTIME if is_cfs(m) else K_DEADLINE
    link = cpu + C_FAIR_HEAD
    while m[link] and m[m[link] + key] <= m[task + key]:
        link = m[link] + K_NEXT
    m[task + K_NEXT] = m[link]
    m[link] = task


@compiled
def remove(m, cpu, task):
    """Out of the queue."""
    clear_buddies(m, cpu, task)
    unlink(m, cpu + C_FAIR_HEAD, task, K_NEXT)


@compiled
def clear_buddies(m, cpu, task):
    """6.1: a task that is picked, leaves or had its share is favoured no more."""
    if m[cpu + C_NEXT_BUDDY] == task:
        m[cpu + C_NEXT_BUDDY] = 0
    if m[cpu + C_LAST_BUDDY] == task:
        m[cpu + C_LAST_BUDDY] = 0


@compiled
def place(m, cpu, running, task):
    """place_entity, for a task that wakes."""
    if is_cfs(m):
        m[task + K_VRUNTIME] = max(m[task + K_VRUNTIME], m[cpu + C_MIN_VRUNTIME] - LATENCY_NS // 2 * scaling(m))
        return
    middle, load, behind = average_vruntime(m, cpu, running), load_of(m, cpu, running), 0
    if load:
        inflated = m[task + K_VLAG] * (load + m[task + K_WEIGHT])  # so that the lag is the same once it competes
        behind = inflated // load if inflated >= 0 else -(-inflated // load)
    m[task + K_VRUNTIME] = middle - behind
    m[task + K_DEADLINE] = m[task + K_VRUNTIME] + virtual(m, task, slice_ns(m))


@compiled
def place_new(m, cpu, running, task):
    """A task that begins: at the average, with half a slice (PLACE_DEADLINE_INITIAL); 6.1: a slice behind (START_DEBIT)."""
    if is_cfs(m):
        load = load_of(m, cpu, running) + m[task + K_WEIGHT]
        debit = virtual(m, task, share_of_latency_ns(m, task, count_of(m, cpu, running) + 1, load))
        m[task + K_VRUNTIME] = max(m[task + K_VRUNTIME], m[cpu + C_MIN_VRUNTIME] + debit)
    else:
        place(m, cpu, running, task)
        m[task + K_DEADLINE] = m[task + K_VRUNTIME] + virtual(m, task, slice_ns(m)) // 2


@compiled
def leaves_class(m, cpu, task):
    """A task that waits becomes one of FIFO: its lag and what is left of its slice are kept (PLACE_REL_DEADLINE)."""
    if is_cfs(m):
        m[task + K_VRUNTIME] -= m[cpu + C_MIN_VRUNTIME]
        return
    m[task + K_VLAG] = lag(m, cpu, 0, task)
    m[task + K_DEADLINE] -= m[task + K_VRUNTIME]


@compiled
def settle_minimum(m, cpu):
    """6.1: without one that left, the minimum may be higher."""
    if is_cfs(m):
        advance_minimum(m, cpu, 0)


@compiled
def joins_class(m, cpu, task):
    """The running task is a fair one again. What it ran as one of FIFO costs it nothing."""
    m[task + K_CHARGED] = m[task + K_PICKED] = m[task + K_RUNTIME]
    if is_cfs(m):
        m[task + K_VRUNTIME] += m[cpu + C_MIN_VRUNTIME]
        return
    left = m[task + K_DEADLINE]
    place(m, cpu, 0, task)
    m[task + K_DEADLINE] = m[task + K_PROTECTED] = m[task + K_VRUNTIME] + left


@compiled
def move_sleeping(m, task, target):
    """migrate_task_rq_fair: a task that sleeps will wake on this CPU. 6.1 counts its virtual runtime from that one's minimum."""
    if is_cfs(m):
        m[task + K_VRUNTIME] += m[target + C_MIN_VRUNTIME] - m[m[task + K_CPU] + C_MIN_VRUNTIME]
    m[task + K_CPU] = target


@compiled
def arrives_from_queue(m, cpu, running, task):
    """A task that was taken off another CPU's queue (leaves_class) joins this one's."""
    if is_cfs(m):
        m[task + K_VRUNTIME] += m[cpu + C_MIN_VRUNTIME]
        return
    left = m[task + K_DEADLINE]
    place(m, cpu, running, task)
    m[task + K_DEADLINE] = m[task + K_VRUNTIME] + left


@compiled
def advance_minimum(m, cpu, running):
    """6.1 update_min_vruntime."""
    head = m[cpu + C_FAIR_HEAD]
    if head and running:
        least = min(m[head + K_VRUNTIME], m[running + K_VRUNTIME])
    elif head or running:
        least = m[(head if head else running) + K_VRUNTIME]
    else:
        return
    m[cpu + C_MIN_VRUNTIME] = max(m[cpu + C_MIN_VRUNTIME], least)


# Decisions


@compiled
def update_curr(m, cpu, task):
    """Let the running task's virtual time follow what it ran. Returns whether another should run instead (6.12).

    As in the kernel it follows only when somebody looks: at a tick, a new wakeup, a switch.
    """
    ran_ns = m[task + K_RUNTIME] - m[task + K_CHARGED]
    if ran_ns == 0:
        return False
    m[task + K_CHARGED] = m[task + K_RUNTIME]
    m[task + K_VRUNTIME] += virtual(m, task, ran_ns)
    if is_cfs(m):
        advance_minimum(m, cpu, task)
        return False
    renewed = renew(m, cpu, task)
    if m[cpu + C_FAIR_HEAD] == 0:
        return False
    return renewed or not is_protected(m, task) and not is_eligible(m, cpu, task, task)


@compiled
def is_protected(m, task):
    """protect_slice: the slice that it was picked with is not over."""
    return m[task + K_PROTECTED] == m[task + K_DEADLINE]


@compiled
def renew(m, cpu, task):
    """update_deadline: a task that has had its slice asks for another. Returns whether it has."""
    if m[task + K_VRUNTIME] < m[task + K_DEADLINE]:
        return False
    m[task + K_DEADLINE] = m[task + K_VRUNTIME] + virtual(m, task, slice_ns(m))
    average_vruntime(m, cpu, task)
    return True


@compiled
def best_of(m, cpu, running):
    """Who runs next (pick_eevdf; 6.1 pick_next_entity): one of the queue, or `running`; 0 where there is none."""
    head = m[cpu + C_FAIR_HEAD]
    if is_cfs(m):
        return pick_next_entity(m, cpu, running, head)
    if head == 0:
        return running
    current = running if running and is_eligible(m, cpu, running, running) else 0
    if current and is_protected(m, current):
        return current  # RUN_TO_PARITY: until its slice is over, or others have less than their share
    task = head
    while task and not is_eligible(m, cpu, running, task):
        task = m[task + K_NEXT]
    if task == 0 or current and m[current + K_DEADLINE] < m[task + K_DEADLINE]:
        return current if current else head
    return task


@compiled
def pick_next_entity(m, cpu, running, head):
    """6.1: the one with the least virtual runtime, but a buddy if that is not too far ahead of it."""
    left = running if head == 0 or running and m[running + K_VRUNTIME] < m[head + K_VRUNTIME] else head
    for buddy in (m[cpu + C_NEXT_BUDDY], m[cpu + C_LAST_BUDDY]):
        if buddy and m[buddy + K_VRUNTIME] - m[left + K_VRUNTIME] <= wakeup_granularity(m, left):
            return buddy
    return left


@compiled
def wakeup_granularity(m, task):
    return virtual(m, task, WAKEUP_GRANULARITY_NS * scaling(m))


@compiled
def starts(m, task):
    """set_next_entity: a task is picked that did not run."""
    m[task + K_PROTECTED] = m[task + K_DEADLINE]
    m[task + K_PICKED] = m[task + K_RUNTIME]


@compiled
def stays_on_queue(m, cpu, task):
    """The running task sleeps. Returns whether it competes on until it is owed something (DELAY_DEQUEUE)."""
    update_curr(m, cpu, task)
    settle_minimum(m, cpu)
    if is_cfs(m):
        clear_buddies(m, cpu, task)
        return False
    if m[task + K_STATE] != DEAD and m[task + K_STATE] != PARKED and not is_eligible(m, cpu, task, task):
        m[task + K_DELAYED] = 1
        return True
    m[task + K_VLAG] = lag(m, cpu, task, task)
    return False


@compiled
def wakes(m, cpu, running, task):
    """A fair task wakes: onto the queue, or it never left that. Returns whether it is a new one there."""
    if m[task + K_DELAYED]:
        m[task + K_DELAYED] = 0
        if lag(m, cpu, running, task) > 0:  # requeue_delayed_entity, DELAY_ZERO
            remove(m, cpu, task)
            m[task + K_VLAG] = 0
            place(m, cpu, running, task)
            insert(m, cpu, task)
        return False
    place(m, cpu, running, task)
    insert(m, cpu, task)
    return True


@compiled
def wakeup_preempts(m, cpu, current, task):
    """check_preempt_wakeup_fair, of two fair tasks."""
    if update_curr(m, cpu, current):
        return True
    if is_cfs(m):
        if m[current + K_VRUNTIME] - m[task + K_VRUNTIME] <= wakeup_granularity(m, task):
            return False
        m[cpu + C_NEXT_BUDDY] = task  # whoever else is a little further behind when it is picked
        if count_of(m, cpu, current) >= LATENCY_TASKS:
            m[cpu + C_LAST_BUDDY] = current
        return True
    return best_of(m, cpu, current) == task


@compiled
def has_had_its_slice(m, cpu, current):
    """At a tick: whether another should run instead (update_curr; 6.1 check_preempt_tick)."""
    over, head = update_curr(m, cpu, current), m[cpu + C_FAIR_HEAD]
    if head == 0 or not is_cfs(m):
        return over
    ideal_ns = share_of_latency_ns(m, current, count_of(m, cpu, current), load_of(m, cpu, current))
    ran_ns = m[current + K_RUNTIME] - m[current + K_PICKED]
    if ran_ns > ideal_ns:
        clear_buddies(m, cpu, current)
        return True
    return ran_ns >= MIN_GRANULARITY_NS * scaling(m) and m[current + K_VRUNTIME] - m[head + K_VRUNTIME] > ideal_ns


@compiled
def count_of(m, cpu, running):
    """How many compete."""
    tasks, task = 1 if running else 0, m[cpu + C_FAIR_HEAD]
    while task:
        tasks += 1
        task = m[task + K_NEXT]
    return tasks


@compiled
def share_of_latency_ns(m, task, tasks, load):
    """6.1 sched_slice: a task's share, by weight, of the time in which each of so many should have run once."""
    least_ns = MIN_GRANULARITY_NS * scaling(m)
    period_ns = LATENCY_NS * scaling(m) if tasks <= LATENCY_TASKS else tasks * least_ns
    return max(least_ns, period_ns * m[task + K_WEIGHT] // load)
