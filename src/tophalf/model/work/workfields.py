"""Where workqueues keep what they need: blocks at G_WORK, C_WORK and K_WORKER, and the objects of kernel/workqueue.c.

Names are the kernel's. A list_head is two words, the next and the one before; lists go through them in circles, as the kernel's do
(`worklists`). Left out: what a workqueue is named after it is made, attributes that change, wq->mutex and the pools' locks (an
instruction of the model is done before another CPU looks).
"""

from tophalf.model.fields import HRTIMER_SIZE

LIST_HEAD = 2
WORK_NR_COLORS = 16

# The machine (G_WORK)
(
    W_POOLS, W_POOL_COUNT, W_WQS, W_WQ_COUNT, W_FREEZING, W_CPU_INTENSIVE_NS, W_CREATE_NS, W_BARRIER_PROGRAM, W_BARRIER_FUNCTION,
    WORK_SIZE,
) = range(10)  # fmt: skip
# W_CREATE_NS: how long kthreadd takes to make a worker; beyond MAYDAY_INITIAL_TIMEOUT the rescuers are called

# A CPU (C_WORK): its BH pools by TASKLET (0) and HI (1), what irq_work is asked to raise (bits), whether it is in
# wq_unbound_cpumask, the number of wq_rr_cpu_last
U_BH_POOL, U_BH_HIGHPRI_POOL, U_IRQ_WORK, U_ALLOWED, U_RR_LAST, WORK_CPU_SIZE = range(6)

# struct worker_pool
(
    O_WORKLIST, _, O_IDLE_LIST, _, O_BUSY, _, O_CPU, O_NODE, O_ID, O_FLAGS, O_NICE, O_NR_RUNNING, O_NR_WORKERS, O_NR_IDLE,
    O_WORKERS, O_WORKERS_MAX, O_SCOPE, O_SCOPE_COUNT, O_MAYDAY_TIMER,
) = range(19)  # fmt: skip
POOL_SIZE = O_MAYDAY_TIMER + HRTIMER_SIZE
# O_BUSY: for busy_hash. O_CPU: 0 for an unbound pool; O_SCOPE: the CPUs that it prefers (__pod_cpumask)
POOL_BH, POOL_MANAGER_ACTIVE, POOL_DISASSOCIATED = 1, 2, 4

# struct worker, and for a task that is none: what it waits with (flush_work, flush_workqueue)
(
    R_ENTRY, _, R_SCHEDULED, _, R_HENTRY, _, R_FLUSHER, _, R_TASK, R_POOL, R_FLAGS, R_ID, R_CURRENT_WORK, R_CURRENT_FUNC,
    R_CURRENT_PWQ, R_CURRENT_COLOR, R_CURRENT_AT, R_SLEEPING, R_RESCUE_WQ, R_EXISTS, R_INACTIVE, R_WAIT, R_FLUSH_COLOR, R_GRABBED,
    R_BARRIER,
) = range(25)  # fmt: skip
# R_INACTIVE: of the item that runs, whether it takes no part in nr_active. R_WAIT: see `workflush`. R_BARRIER: a work item
WORKER_DIE, WORKER_IDLE, WORKER_PREP, WORKER_CPU_INTENSIVE, WORKER_UNBOUND, WORKER_REBOUND = 2, 4, 8, 64, 128, 256
WORKER_NOT_RUNNING = WORKER_PREP | WORKER_CPU_INTENSIVE | WORKER_UNBOUND | WORKER_REBOUND

# struct work_struct and delayed_work; what the kernel packs into work->data is in fields of its own
(
    X_ENTRY, _, X_FLAGS, X_PWQ, X_COLOR, X_POOL, X_DISABLE, X_PROGRAM, X_ARG, X_FUNCTION, X_ADDRESS, X_RUNS, X_QUEUED, X_CANCELLED,
    X_WQ, X_CPU, X_NAME, X_TIMER,
) = range(18)  # fmt: skip
WORK_ITEM_SIZE = X_TIMER + HRTIMER_SIZE
WORKER_SIZE = R_BARRIER + WORK_ITEM_SIZE
# X_FLAGS. BH: it was last of a BH workqueue (WORK_OFFQ_BH)
WORK_STRUCT_PENDING, WORK_STRUCT_INACTIVE, WORK_STRUCT_LINKED, WORK_OFFQ_BH = 1, 2, 8, 16

# struct pool_workqueue
(
    Y_INACTIVE_WORKS, _, Y_PENDING_NODE, _, Y_MAYDAY_NODE, _, Y_POOL, Y_WQ, Y_NR_ACTIVE, Y_WORK_COLOR, Y_FLUSH_COLOR, Y_STARTED,
    Y_COMPLETED, Y_CM_WAKEUP, Y_CPU_INTENSIVE, Y_MAYDAY, Y_RESCUED, Y_NR_IN_FLIGHT,
) = range(18)  # fmt: skip
PWQ_SIZE = Y_NR_IN_FLIGHT + WORK_NR_COLORS

# struct wq_node_nr_active
NNA_PENDING, _, NNA_MAX, NNA_NR, NNA_SIZE = range(5)

# struct workqueue_struct
(
    WQ_FLUSHER_QUEUE, _, WQ_FLUSHER_OVERFLOW, _, WQ_MAYDAYS, _, WQ_FLAGS, WQ_NAME, WQ_MAX, WQ_MIN, WQ_SAVED_MAX, WQ_SAVED_MIN,
    WQ_PWQS, WQ_PWQ_COUNT, WQ_CPU_PWQ, WQ_NODE_NR_ACTIVE, WQ_NODE_COUNT, WQ_NODE_CPUS, WQ_WORK_COLOR, WQ_FLUSH_COLOR,
    WQ_PWQS_TO_FLUSH, WQ_FIRST_FLUSHER, WQ_RESCUER, WQ_DRAINERS, WQ_STRUCT_SIZE,
) = range(25)  # fmt: skip
# WQ_NODE_NR_ACTIVE: addresses by node, the last one for pools of no node (NUMA_NO_NODE); 0 where each pwq counts for itself
# include/linux/workqueue.h
WQ_BH, WQ_UNBOUND, WQ_FREEZABLE, WQ_MEM_RECLAIM, WQ_HIGHPRI, WQ_CPU_INTENSIVE, WQ_SYSFS = 1, 2, 4, 8, 16, 32, 64
WQ_POWER_EFFICIENT, WQ_PERCPU = 128, 256
WQ_DRAINING, WQ_ORDERED = 1 << 16, 1 << 17  # __WQ_DRAINING, __WQ_ORDERED
WQ_MAX_ACTIVE, WQ_DFL_ACTIVE, WQ_DFL_MIN_ACTIVE = 512, 256, 8
INT_MAX = (1 << 31) - 1

# What queues an item at its times: a timer (`from` hrtimer or softirq), or a task that waits for the next
(
    E_TIMER, _, _, _, _, _, _, _, _, E_SOURCE, E_WORKS, E_COUNT, E_TURN, E_WQ, E_CPU, E_DELAY, E_HOME, EMITTER_SIZE,
) = range(18)  # fmt: skip

TASK_IDLE = 0x80  # as sched_switch tells that state (TASK_REPORT_IDLE): a worker that waits for work
RESCUER_BATCH, BH_WORKER_RESTARTS, BH_WORKER_NS = 16, 10, 2_000_000
