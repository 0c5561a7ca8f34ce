"""The world's memory: one array of int64 in which every object of the model lies, as the kernel's lie in RAM.

An object is known by its address, the index of its first word; 0 is none. Fields are offsets: `m[cpu + C_PENDING]`. Lists
are linked through fields, as the kernel's are. Time is in nanoseconds, times that never come are NEVER.

One array, because it can be copied, compared and hashed as a whole, and because it is the only argument that compiled
functions hand to one another.
"""

NEVER = 1 << 62
FRAMES_MAX = 16  # contexts and calls on one task's stack; a kernel stack is 16 KiB
VECTORS = 256
SOFTIRQ_COUNT = 10

# The world itself, at address 0
(
    G_NULL, G_NOW, G_LIMIT, G_SEQ, G_HEAP, G_HEAP_COUNT, G_TRACE, G_TRACE_ROWS, G_TRACE_MAX, G_CPUS, G_CPU_COUNT, G_COSTS,
    G_SOFTIRQ_PROGRAM, G_ACTIONS, G_ERROR, G_ERROR_AT, G_HZ_NS, G_KERNEL, G_PREEMPT, G_THREADIRQS, G_NETDEV_BUDGET,
    G_NETDEV_BUDGET_JIFFIES, G_EVENTS, G_INTERRUPTS, G_POLLS, G_SWITCH_VOLUNTARY, G_SWITCH_BY_INTERRUPT, G_SYSCALLS,
    G_FAULTS, G_ACTOR, G_ZIGGURAT, G_LOG, G_LOG_COUNT, G_LOG_MAX, G_NOHZ, G_READY, G_WORK, G_STACK, G_BLOCK, G_MANAGE,
    G_TRACE_ROOM, G_READY_NEXT, G_STILL_NS, G_STILL_STEPS, G_JIFFIES, G_JIFFIES_END, G_SOFTIRQ_JIFFIES, G_SIZE,
) = range(48)  # fmt: skip
# G_TRACE_MAX: rows after which a slice of the run ends, G_TRACE_ROOM: rows that there is room for. G_READY: the CPU that goes on
# before any event, G_READY_NEXT the one after it. G_STILL_STEPS: steps of a CPU so far at the moment G_STILL_NS, before cuts.
# G_JIFFIES: what jiffies are until G_JIFFIES_END (`sched.tick`). G_SOFTIRQ_JIFFIES: how many handle_softirqs goes on at most.
# G_WORK and on: what an area of the model keeps for itself lies in a block of its own, whose fields its own file names;
# likewise C_WORK and on for each CPU. 0 where a machine has nothing of the kind.

# What a timer, an event in the queue, holds. It is part of a larger object, its owner.
T_TIME, T_SEQ, T_SLOT, T_KIND, T_OWNER, TIMER_SIZE = range(6)
# What happens when it fires
(
    ON_CPU, ON_TICK, ON_HRTIMER, ON_QUEUE, ON_IPI, ON_DEVICE, ON_ACTOR, ON_TX, ON_DISK, ON_NMI, ON_ARRIVAL, ON_OPERATION,
    ON_WATCH,
) = range(13)  # fmt: skip

# A kernel timer: expires on its CPU, in the local timer interrupt or (from the wheel) in the TIMER softirq after it
# where H_CPU is not 0, which is while it is pending. H_EXPIRES: of a timer of the wheel, the jiffy that was asked for.
H_NEXT, H_CPU, H_DO, H_ARG, H_EXPIRES, HRTIMER_SIZE = range(TIMER_SIZE, TIMER_SIZE + 6)
DO_WAKE, DO_NAPI, DO_CALL, DO_DELAYED_WORK, DO_QUEUE_WORK, DO_MAYDAY = range(6)
IN_WHEEL = 16  # added to H_DO: a timer of the wheel, good to a jiffy, run in the TIMER softirq
IN_SOFTIRQ_TIMER = 32  # added to H_DO: an hrtimer that runs in the HRTIMER softirq (HRTIMER_MODE_SOFT)

# A context or a call on a task's stack
F_PC, F_CLASS, F_KIND, F_LEFT, F_ARG, F_R0, F_R1, F_R2, F_R3, F_R4, F_R5, FRAME_SIZE = range(12)
# Whose time it is: what a CPU's time is split into
HARDIRQ, SOFTIRQ, KSOFTIRQD, IRQ_THREAD, KWORKER, TASK, IDLE, CLASSES = range(8)
# What kind of context it is
IN_TASK, IN_SYSCALL, IN_SOFTIRQ, IN_HARDIRQ, IN_NMI = range(5)

# A CPU
(
    C_NUMBER, C_TIMER, _, _, _, _, C_TICK, _, _, _, _, C_IPI, _, _, _, _, _, _, _, _, _, _, _, _, _, _,
    C_FRAME, C_CURRENT, C_IDLE, C_KSOFTIRQD,
    C_IRQS_OFF, C_PREEMPT_COUNT, C_NEED_RESCHED, C_RESCHED_BY_IRQ, C_SINCE, C_PARKED, C_PLAN, C_IRR_COUNT, C_PENDING,
    C_ONLINE, C_IN_NET_RX, C_POLL_HEAD, C_POLL_TAIL, C_RT_HEAD, C_FAIR_HEAD, C_RUNNABLE, C_MIN_VRUNTIME, C_TICK_DUE,
    C_TASKLET_HEAD, C_TASKLET_TAIL, C_HI_HEAD, C_HI_TAIL, C_SWITCHES, C_PROCESSED, C_SQUEEZED, C_VECTORS_USED,
    C_BH_OWNER, C_BH_WAITERS, C_WORK, C_STACK, C_BLOCK, C_MANAGE, C_CALLS, C_CALLS_TAIL, C_HRTIMERS, _, C_SOFT_TIMERS, _,
    C_WHEEL, _, C_WHEEL_CLK, C_WHEEL_RUNNING, C_CLOCK, C_RAN_LAST, C_COMPLETION_NS, C_NEXT_BUDDY, C_LAST_BUDDY, C_TIMES,
) = range(78)  # fmt: skip
# C_IPI: a timer for each vector, in the order of ipi.IPI_VECTORS
RESCHED, RESCHED_FROM_AFAR = 1, 2  # C_NEED_RESCHED; from afar: another CPU has set it, and its interrupt is under way
CLOCK_FIRED, CLOCK_SOFT = 1, 2  # C_CLOCK: the clock event device fired; HRTIMER is raised (softirq_activated)
# C_HRTIMERS, C_SOFT_TIMERS, C_WHEEL: the first and, in the next word, the last timer that expired and has not run
C_IRR = C_TIMES + CLASSES  # 8 words of 32 vectors
C_VECTORS = C_IRR + 8  # descriptor by vector
C_SOFTIRQS = C_VECTORS + VECTORS  # how often each ran
C_TICKS = C_SOFTIRQS + SOFTIRQ_COUNT  # ticks by what they found, in the order of the columns of /proc/stat (`cputime`)
TICK_USER, TICK_NICE, TICK_SYSTEM, TICK_IDLE, TICK_IOWAIT, TICK_IRQ, TICK_SOFTIRQ, TICK_COLUMNS = range(8)
CPU_SIZE = C_TICKS + TICK_COLUMNS

# A task
(
    K_PID, K_STATE, K_CPU, K_CLASS, K_POLICY, K_PRIORITY, K_WEIGHT, K_VRUNTIME, K_RUNTIME, K_FRAME, K_PREEMPT_COUNT, K_NEXT,
    K_ON_RQ, K_TIMER, _, _, _, _, _, _, _, _, _, K_NAME, K_WOKEN_BY_IRQ, K_STAMP, K_SWITCHES, K_FLAGS, K_CHARGED,
    K_DEADLINE, K_PROTECTED, K_VLAG, K_DELAYED, K_PICKED, K_WAIT_NEXT, K_BOOSTED, K_OWN_PRIORITY, K_WORKER, K_LOCALS,
    K_WAITER, K_STACK,
) = range(41)  # fmt: skip
TASK_SIZE = K_STACK + FRAMES_MAX * FRAME_SIZE
# K_LOCALS: where the locals of the frames on the task's stack lie (`code.codefields`), 0 where no such program is; K_WAITER: what
# it waits with in drivers (`code.waitfields`), likewise
RUNNING, SLEEPING, BLOCKED, DEAD = 0, 1, 2, 16  # as sched_switch tells prev_state
# States that no wakeup ends, only who they wait for; told without the 0x1000. RTLOCK_WAIT: for a lock of PREEMPT_RT
NOT_WOKEN, RTLOCK_WAIT, PARKED = 0x1000, 0x1002, 0x1040
# K_FLAGS: a kernel thread; one that belongs to its CPU (KTHREAD_IS_PER_CPU); a task that lost its CPU and may be anywhere now;
# one for which a CPU is chosen whenever it wakes (`floating`)
KERNEL_THREAD, PER_CPU_THREAD, AFFINITY_BROKEN, FLOATING = 1, 2, 4, 8
FAIR, FIFO, IDLE_POLICY = range(3)

# An interrupt descriptor; the counts by CPU follow it
(
    D_IRQ, D_FLOW, D_STATE, D_DEPTH, D_ACTIONS, D_VECTOR, D_CPU, D_COUNT, D_SPURIOUS_COUNT, D_UNHANDLED, D_LAST_UNHANDLED,
    D_ONESHOT_MASK, D_NAME, D_NEXT_CPU, D_SOURCE, D_LINE, D_THREADS_HANDLED, D_PROGRAM, D_ONESHOT, D_IN_SERVICE,
    D_HANDLED_LAST, D_CHIP, D_HELD, D_THREADS_ACTIVE, D_WAITERS, D_MOVING, D_MANAGE, D_COUNTS,
) = range(28)  # fmt: skip
FLOW_EDGE, FLOW_LEVEL, FLOW_FASTEOI, FLOW_SYSTEM, FLOW_PERCPU = range(5)
CHIP_MSI, CHIP_IOAPIC, CHIP_LOCAL = range(3)  # D_CHIP: who sends the line's messages
# D_STATE, kernel/irq/internals.h and include/linux/irq.h
IRQ_DISABLED, IRQ_MASKED, IRQ_PENDING, IRQ_INPROGRESS, IRQ_REPLAY, IRQ_SPURIOUS_DISABLED, IRQ_POLL_INPROGRESS = (
    1, 2, 4, 8, 16, 32, 64
)  # fmt: skip

# An action of a line
(
    A_NEXT, A_IRQ, A_HANDLER, A_THREAD, A_FLAGS, A_NAME, A_ARG, A_RUNTHREAD, A_MASK, A_TASK, A_THREAD_FLAGS, A_SECONDARY,
    ACTION_SIZE,
) = range(13)  # fmt: skip
# Of a driver in Python, two words behind it: the action that it was refused for, and who waits for the end of its thread
A_OTHER, A_STOPPER, LAID_OUT = ACTION_SIZE, ACTION_SIZE + 1, 2
# A_FLAGS, include/linux/interrupt.h
IRQF_TRIGGER_RISING, IRQF_TRIGGER_HIGH, IRQF_TRIGGER_MASK = 1, 4, 15
IRQF_SHARED, IRQF_PERCPU, IRQF_NOBALANCING, IRQF_ONESHOT = 0x80, 0x400, 0x800, 0x2000
IRQF_NO_THREAD, IRQF_COND_ONESHOT = 0x10000, 0x400_0000
IRQF_NO_AUTOEN = 0x80000
# A_THREAD_FLAGS: IRQTF_FORCED_THREAD, IRQTF_AFFINITY; IRQTF_SECONDARY marks what a forced thread wakes, IRQTF_STOP a thread that is
# to end, IRQTF_NO_HANDLER an action that was asked for with a thread alone
IRQTF_FORCED_THREAD, IRQTF_AFFINITY, IRQTF_SECONDARY, IRQTF_STOP, IRQTF_NO_HANDLER = 1, 2, 4, 8, 16

# One receive queue of a NIC
(
    Q_TIMER, _, _, _, _, Q_DESC, Q_NAPI, Q_MODE, Q_RING, Q_SLOT_MASK, Q_RING_SIZE, Q_HEAD, Q_TAIL, Q_STAGED, Q_COSTED,
    Q_REPLAY, Q_REPLAY_FIRST, Q_REPLAY_COUNT, Q_ARRIVALS, Q_NEXT, Q_FRACTION, Q_PERIOD, Q_PERIOD_FRACTION, Q_PERIOD_WHOLE,
    Q_RNG, Q_BURST, Q_BURST_LEFT, Q_GAP, Q_TIMES, Q_TIMES_LEFT, Q_OFFERED, Q_DELIVERED, Q_DROPPED, Q_USECS_NS, Q_FRAMES,
    Q_ITR_NS, Q_LAST_IRQ, Q_ARMED, Q_PACKET_COST, Q_POLL_EVERY, Q_HISTOGRAM, Q_SHIFT, Q_LATENCY_SUM, Q_LATENCY_MAX,
    Q_SIGNALS, Q_NAME, Q_SINK, Q_LOST, Q_LOST_COUNT, Q_UNWRITTEN, Q_PLAN_FIRST, Q_PLAN_NS, QUEUE_SIZE,
) = range(53)  # fmt: skip
SLOT_ARRIVAL, SLOT_COST, SLOT_DONE, SLOT_SIZE = range(4)
SLOT_SERIAL = SLOT_DONE  # until it is served: the how manieth offered packet it is, from 1 on
# Q_MODE. NAPI: masked while polled. DRAIN: the handler empties the ring, its line masked. POLL: a timer instead of arrivals.
# EACH: every packet signals, merged where the APIC merges; COUNTED: the device raises one interrupt for each packet.
MODE_NAPI, MODE_DRAIN, MODE_POLL, MODE_EACH, MODE_COUNTED = range(5)
# Q_ARRIVALS
CONSTANT_RATE, POISSON, BURSTS, TIMES, CHANGING = range(5)
# CHANGING: at Q_TIMES stand Q_TIMES_LEFT changes: from when on, the first arrival then, Q_PERIOD and the two after it
CHANGE_TIME, CHANGE_FIRST, CHANGE_PERIOD, CHANGE_FRACTION, CHANGE_WHOLE, CHANGE_SIZE = range(6)
# Latencies: below 128 ns one cell each, above 64 cells for each power of two; from 2**39 ns (9 min) on the last one
CELL_BITS, SHIFT_MAX = 6, 32
HISTOGRAM_SIZE = SHIFT_MAX + 2 << CELL_BITS

# A NAPI instance
(
    N_TIMER, _, _, _, _, _, _, _, _, _, N_STATE, N_QUEUE, N_WEIGHT, N_NEXT, N_POLL, N_DEFER, N_DEFER_COUNT, N_FLUSH_NS,
    N_NAME, N_ID, N_PACKETS, N_POLLS, N_STACK, N_THREAD, N_BUSY_POLL, N_DIM, N_TX, N_TIMEOUT, N_UNMASK, NAPI_SIZE,
) = range(30)  # fmt: skip
NAPI_SCHED, NAPI_MISSED, NAPI_IN_BUSY_POLL, NAPI_PREFER_BUSY_POLL, NAPI_SCHED_THREADED = 1, 2, 4, 8, 16
NAPI_DISABLE, NAPI_LET_GO = 32, 64  # of `code.drivernapi`; LET_GO: NET_RX must not keep it, whatever its poll has returned

# A function that another CPU is asked to call (call_single_data); CSD_QUEUED while it waits there
CSD_NEXT, CSD_PROGRAM, CSD_ARG, CSD_QUEUED, CSD_SIZE = range(5)

# A tasklet
TL_NEXT, TL_STATE, TL_COUNT, TL_PROGRAM, TL_ARG, TL_FUNCTION, TL_ADDRESS, TL_RUNS, TL_WAITER, TASKLET_SIZE = range(10)
TASKLET_SCHEDULED, TASKLET_RUNNING = 1, 2

# A device with a line of its own or a share in one
V_TIMER, _, _, _, _, V_DESC, V_LEVEL, V_ASSERTED, V_SOURCE, V_FIRED, V_CPU, V_LET_GO, DEVICE_SIZE = range(13)

# What a handler answers, include/linux/irqreturn.h
IRQ_NONE, IRQ_HANDLED, IRQ_WAKE_THREAD = 0, 1, 2
# include/linux/preempt.h
SOFTIRQ_OFFSET, HARDIRQ_OFFSET, NMI_OFFSET = 0x100, 0x10000, 0x100000
SOFTIRQ_DISABLE_OFFSET = 2 * SOFTIRQ_OFFSET
SOFTIRQ_MASK, HARDIRQ_MASK, NMI_MASK = 0xFF00, 0xF0000, 0xF00000

# Named costs: the index in the world's cost table; each takes COST_SIZE words there
(
    COST_IRQ_ENTRY, COST_IRQ_EXIT, COST_SOFTIRQ_ENTRY, COST_SYSCALL, COST_PAGE_FAULT, COST_CONTEXT_SWITCH, COST_IPI,
    COST_TIMER_TICK, COST_CACHE_COLD, COSTS_FIXED,
) = range(10)  # fmt: skip
COST_KIND, COST_MEAN, COST_TABLE, COST_COUNT, COST_RNG, COST_SIZE = range(6)
CONSTANT, EXPONENTIAL, EMPIRICAL = range(3)  # a lognormal cost is a table of its quantiles

RNG_SIZE = 2  # xoroshiro64**
TRACE_ROW = 9  # time, cpu, kind, pid, flags, a, b, c, name
