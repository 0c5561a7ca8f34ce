"""Queueing work items, and how many of a workqueue may be active: kernel/workqueue.c __queue_work, pwq_tryinc_nr_active and on.

6.1: a pwq counts for itself, and whoever queues wakes a worker even if the item has to wait. Left out: pwqs that are released or
plugged while attributes change, a wq_unbound_cpumask that is written,
the watchdog.
"""

from tophalf import vocab
from tophalf.model.cpu.ipi import IRQ_WORK_VECTOR, send_ipi
from tophalf.model.fields import (
    C_CURRENT,
    C_NUMBER,
    C_ONLINE,
    C_PREEMPT_COUNT,
    C_WORK,
    CPU_SIZE,
    G_CPU_COUNT,
    G_CPUS,
    G_KERNEL,
    HARDIRQ_MASK,
    K_WORKER,
    NMI_MASK,
    SOFTIRQ_OFFSET,
)
from tophalf.model.ground.jit import compiled, inlined
from tophalf.model.ground.trace import emit
from tophalf.model.sched.fair import KERNEL_6_1
from tophalf.model.sched.tick import jiffies, mod_timer
from tophalf.model.sched.wakeup import wake
from tophalf.model.softirq.softirq import raise_softirq
from tophalf.model.work.workfields import (
    NNA_MAX,
    NNA_NR,
    NNA_PENDING,
    O_BUSY,
    O_CPU,
    O_FLAGS,
    O_IDLE_LIST,
    O_NICE,
    O_NODE,
    O_NR_RUNNING,
    O_WORKLIST,
    POOL_BH,
    R_CURRENT_FUNC,
    R_CURRENT_PWQ,
    R_CURRENT_WORK,
    R_HENTRY,
    R_TASK,
    U_ALLOWED,
    U_IRQ_WORK,
    U_RR_LAST,
    WORK_STRUCT_INACTIVE,
    WORK_STRUCT_LINKED,
    WORK_STRUCT_PENDING,
    WQ_CPU_PWQ,
    WQ_DRAINING,
    WQ_FLAGS,
    WQ_MAX,
    WQ_NAME,
    WQ_NODE_NR_ACTIVE,
    WQ_ORDERED,
    WQ_UNBOUND,
    X_ADDRESS,
    X_COLOR,
    X_CPU,
    X_DISABLE,
    X_FLAGS,
    X_FUNCTION,
    X_POOL,
    X_PWQ,
    X_QUEUED,
    X_TIMER,
    X_WQ,
    Y_INACTIVE_WORKS,
    Y_NR_ACTIVE,
    Y_NR_IN_FLIGHT,
    Y_PENDING_NODE,
    Y_POOL,
    Y_WORK_COLOR,
    Y_WQ,
)
from tophalf.model.work.worklists import list_add_tail, list_del_init, list_empty
from tophalf.model.work.workops import DELAY_UNIT
from tophalf.model.work.workpools import kick_pool, lock, need_more_worker, unlock


@compiled
def get_work_pool(m, work):
    """The pool that an item is queued on, or was last; 0: none."""
    return m[m[work + X_PWQ] + Y_POOL] if m[work + X_PWQ] else m[work + X_POOL]


@compiled
def find_worker_executing_work(m, pool, work):
    """The worker of a pool that runs an item, with the function it has now; 0: none."""
    node = m[pool + O_BUSY]
    while node != pool + O_BUSY:
        worker = node - R_HENTRY
        if m[worker + R_CURRENT_WORK] == work and m[worker + R_CURRENT_FUNC] == m[work + X_FUNCTION]:
            return worker
        node = m[node]
    return 0


@compiled
def kick(m, cpu, pool):
    """kick_pool: wake a worker, or have the softirq of a BH pool raised on its CPU."""
    if not m[pool + O_FLAGS] & POOL_BH:
        return kick_pool(m, cpu, pool)
    if list_empty(m, pool + O_IDLE_LIST) or not need_more_worker(m, pool):
        return False
    home, highpri = m[pool + O_CPU], m[pool + O_NICE] < 0
    if home == cpu:
        raise_softirq(m, cpu, vocab.HI if highpri else vocab.TASKLET)
    else:
        m[m[home + C_WORK] + U_IRQ_WORK] |= 2 if highpri else 1
        send_ipi(m, home, IRQ_WORK_VECTOR)
    return True


@compiled
def irq_work_run(m, cpu):
    """bh_pool_kick_normal, bh_pool_kick_highpri: what another CPU asked this one to raise, in an interrupt here."""
    if m[cpu + C_WORK] == 0:
        return
    asked = m[m[cpu + C_WORK] + U_IRQ_WORK]
    m[m[cpu + C_WORK] + U_IRQ_WORK] = 0
    if asked & 1:
        raise_softirq(m, cpu, vocab.TASKLET)
    if asked & 2:
        raise_softirq(m, cpu, vocab.HI)


# How many are active


@inlined
def node_nr_active(m, pwq):
    """wq_node_nr_active: the count that an unbound workqueue's pwqs of one node share; 0 where the pwq counts for itself."""
    nodes = m[m[pwq + Y_WQ] + WQ_NODE_NR_ACTIVE]
    return m[nodes + m[m[pwq + Y_POOL] + O_NODE]] if nodes else 0


@compiled
def pwq_tryinc_nr_active(m, pwq, fill):
    """Whether one more item of a pwq may be active; it counts then. fill: after max_active has grown."""
    nna = node_nr_active(m, pwq)
    if nna == 0:
        obtained = m[pwq + Y_NR_ACTIVE] < m[m[pwq + Y_WQ] + WQ_MAX]
    elif not list_empty(m, pwq + Y_PENDING_NODE) and not fill:
        return False
    else:
        obtained = tryinc_node_nr_active(m, nna)
        if not obtained and list_empty(m, pwq + Y_PENDING_NODE):
            list_add_tail(m, pwq + Y_PENDING_NODE, nna + NNA_PENDING)
    if obtained:
        m[pwq + Y_NR_ACTIVE] += 1
    return obtained


@inlined
def tryinc_node_nr_active(m, nna):
    if m[nna + NNA_NR] >= m[nna + NNA_MAX]:
        return False
    m[nna + NNA_NR] += 1
    return True


@compiled
def move_linked_works(m, work, head):
    """An item, and the barriers that are linked to it, to the end of another list."""
    linked = True
    while linked:
        following = m[work]
        list_add_tail(m, work, head)
        linked = m[work + X_FLAGS] & WORK_STRUCT_LINKED != 0
        work = following


@compiled
def pwq_activate_work(m, cpu, pwq, work):
    emit(m, cpu, vocab.WORKQUEUE_ACTIVATE_WORK, m[work + X_ADDRESS], m[work + X_FUNCTION], 0, -1)
    move_linked_works(m, work, m[pwq + Y_POOL] + O_WORKLIST)
    m[work + X_FLAGS] &= ~WORK_STRUCT_INACTIVE


@compiled
def pwq_activate_first_inactive(m, cpu, pwq, fill):
    if list_empty(m, pwq + Y_INACTIVE_WORKS) or not pwq_tryinc_nr_active(m, pwq, fill):
        return False
    pwq_activate_work(m, cpu, pwq, m[pwq + Y_INACTIVE_WORKS])
    return True


@compiled
def pwq_dec_nr_active(m, cpu, pwq):
    """An active item is done, or was taken off: the next that waits may go on."""
    m[pwq + Y_NR_ACTIVE] -= 1
    nna = node_nr_active(m, pwq)
    if nna == 0:
        pwq_activate_first_inactive(m, cpu, pwq, False)
        return
    m[nna + NNA_NR] -= 1
    if m[nna + NNA_NR] < m[nna + NNA_MAX]:
        node_activate_pending_pwq(m, cpu, nna, m[pwq + Y_POOL])


@compiled
def node_activate_pending_pwq(m, cpu, nna, pool):
    """The next item of the pwqs that wait, each in turn. pool: the caller's, which looks at its own items itself."""
    while not list_empty(m, nna + NNA_PENDING):
        pwq = m[nna + NNA_PENDING] - Y_PENDING_NODE
        if list_empty(m, pwq + Y_INACTIVE_WORKS):
            list_del_init(m, pwq + Y_PENDING_NODE)
            continue
        if tryinc_node_nr_active(m, nna):
            m[pwq + Y_NR_ACTIVE] += 1
            pwq_activate_work(m, cpu, pwq, m[pwq + Y_INACTIVE_WORKS])
            list_del_init(m, pwq + Y_PENDING_NODE)
            if not list_empty(m, pwq + Y_INACTIVE_WORKS):
                list_add_tail(m, pwq + Y_PENDING_NODE, nna + NNA_PENDING)
            if m[pwq + Y_POOL] != pool:
                kick(m, cpu, m[pwq + Y_POOL])
        return


# Queueing


@inlined
def cpu_of(m, number):
    """A CPU by its number + 1; 0 is WORK_CPU_UNBOUND."""
    return m[G_CPUS] + (number - 1) * CPU_SIZE if number else 0


@compiled
def set_pending(m, work):
    """Whether the caller may queue an item now: it was not queued yet, and is not disabled."""
    if m[work + X_FLAGS] & WORK_STRUCT_PENDING or m[work + X_DISABLE]:
        return False
    m[work + X_FLAGS] |= WORK_STRUCT_PENDING
    return True


@compiled
def queue_work(m, cpu, wanted, wq, work):
    """queue_work_on. wanted: a CPU, 0 for WORK_CPU_UNBOUND. Returns whether it was not queued yet."""
    if not set_pending(m, work):
        return False
    return queue_pending(m, cpu, wanted, wq, work)


@compiled
def queue_pending(m, cpu, wanted, wq, work):
    """__queue_work. Returns False where a workqueue that drains takes none but from its own items."""
    if m[wq + WQ_FLAGS] & WQ_DRAINING and not is_chained_work(m, cpu, wq):
        m[work + X_FLAGS] &= ~WORK_STRUCT_PENDING  # the kernel warns, and leaves it pending for ever
        return False
    if wanted == 0:
        wanted = select_unbound_cpu(m, cpu) if m[wq + WQ_FLAGS] & WQ_UNBOUND else cpu
    pwq = m[m[wq + WQ_CPU_PWQ] + m[wanted + C_NUMBER]]
    last_pool = get_work_pool(m, work)
    if last_pool and last_pool != m[pwq + Y_POOL] and not m[wq + WQ_FLAGS] & WQ_ORDERED:
        worker = find_worker_executing_work(m, last_pool, work)
        if worker and m[m[worker + R_CURRENT_PWQ] + Y_WQ] == wq:
            pwq = m[worker + R_CURRENT_PWQ]  # never on two workers at a time
    irqs_off = lock(m, cpu)
    insert_on(m, cpu, pwq, work)
    unlock(m, cpu, irqs_off)
    return True


@compiled
def select_unbound_cpu(m, cpu):
    """wq_select_unbound_cpu: the CPU that queues, or, where that is isolated, the others in turn."""
    if m[m[cpu + C_WORK] + U_ALLOWED]:
        return cpu
    number = m[m[cpu + C_WORK] + U_RR_LAST]
    for _ in range(m[G_CPU_COUNT]):
        number = (number + 1) % m[G_CPU_COUNT]
        other = m[G_CPUS] + number * CPU_SIZE
        if m[m[other + C_WORK] + U_ALLOWED] and m[other + C_ONLINE]:
            m[m[cpu + C_WORK] + U_RR_LAST] = number
            return other
    return cpu


@compiled
def is_chained_work(m, cpu, wq):
    """Whether the running task is a worker that runs an item of a workqueue, and this is its own doing (current_wq_worker)."""
    if m[cpu + C_PREEMPT_COUNT] & (NMI_MASK | HARDIRQ_MASK | SOFTIRQ_OFFSET):
        return False
    worker = m[m[cpu + C_CURRENT] + K_WORKER]
    return worker != 0 and m[worker + R_CURRENT_PWQ] != 0 and m[m[worker + R_CURRENT_PWQ] + Y_WQ] == wq


@compiled
def insert_on(m, cpu, pwq, work):
    """The end of __queue_work: on the pool's list if one more may be active, else behind those that wait."""
    pool = m[pwq + Y_POOL]
    number = m[m[pool + O_CPU] + C_NUMBER] if m[pool + O_CPU] else -1
    name, function = m[m[pwq + Y_WQ] + WQ_NAME], m[work + X_FUNCTION]
    emit(m, cpu, vocab.WORKQUEUE_QUEUE_WORK, m[work + X_ADDRESS], function, number, name)
    m[work + X_QUEUED] += 1
    color = m[pwq + Y_WORK_COLOR]
    m[pwq + Y_NR_IN_FLIGHT + color] += 1
    if list_empty(m, pwq + Y_INACTIVE_WORKS) and pwq_tryinc_nr_active(m, pwq, False):
        emit(m, cpu, vocab.WORKQUEUE_ACTIVATE_WORK, m[work + X_ADDRESS], function, 0, -1)
        insert_work(m, cpu, pwq, work, pool + O_WORKLIST, color, 0)
        kick(m, cpu, pool)
    else:
        insert_work(m, cpu, pwq, work, pwq + Y_INACTIVE_WORKS, color, WORK_STRUCT_INACTIVE)


@compiled
def insert_work(m, cpu, pwq, work, head, color, flags):
    """Before the node `head`. 6.1 wakes a worker here, whether it will find something or not."""
    m[work + X_PWQ] = pwq
    m[work + X_COLOR] = color
    m[work + X_FLAGS] = WORK_STRUCT_PENDING | flags
    list_add_tail(m, work, head)
    pool = m[pwq + Y_POOL]
    if m[G_KERNEL] <= KERNEL_6_1 and m[pool + O_NR_RUNNING] == 0 and not list_empty(m, pool + O_IDLE_LIST):
        wake(m, cpu, m[m[pool + O_IDLE_LIST] + R_TASK])


# Delayed work


@compiled
def queue_delayed_work(m, cpu, wq, work, how):
    """queue_delayed_work_on. how: see workops.DELAY_UNIT. Returns whether it was not queued yet."""
    if not set_pending(m, work):
        return False
    queue_delayed(m, cpu, wq, work, how)
    return True


@compiled
def queue_delayed(m, cpu, wq, work, how):
    """__queue_delayed_work: at once without a delay, else when so many jiffies are over: at the tick after the last one."""
    delay, wanted = how // DELAY_UNIT, cpu_of(m, how % DELAY_UNIT)
    if delay == 0:
        queue_pending(m, cpu, wanted, wq, work)
        return
    m[work + X_WQ] = wq
    m[work + X_CPU] = wanted
    mod_timer(m, work + X_TIMER, wanted if wanted else cpu, jiffies(m) + delay)


@compiled
def delayed_work_timer_fn(m, cpu, work):
    """Its delay is over."""
    queue_pending(m, cpu, m[work + X_CPU], m[work + X_WQ], work)
