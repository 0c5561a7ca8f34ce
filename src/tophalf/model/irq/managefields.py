"""Where lines and CPUs that are managed keep what they need besides: blocks at G_MANAGE, C_MANAGE and D_MANAGE.

A CPU mask is M_MASK_WORDS words of MASK_BITS CPUs each; a mask is known by its address.
"""

from tophalf.model.fields import CSD_SIZE, HRTIMER_SIZE

MASK_BITS = 32
VECTOR_WORDS = 8  # a set of 256 vectors, 32 in a word

# The machine (G_MANAGE)
(
    M_LINES, M_LINE_COUNT, M_TASKS, M_TASK_COUNT, M_MASK_WORDS, M_ONLINE, M_DEFAULT, M_HOUSEKEEPING, M_REMAPPING, M_PROGRAMMED,
    M_TARGETS, M_WANTED, M_SYSTEM_VECTORS, M_POLL_PROGRAM, M_HOTPLUG, M_POLL_TIMER,
) = range(16)  # fmt: skip
MANAGE_SIZE = M_POLL_TIMER + HRTIMER_SIZE
# M_PROGRAMMED, M_TARGETS: masks for irq_do_set_affinity alone; M_WANTED: one that Python fills for a command

# CPUs that go and come (M_HOTPLUG; 0 where none ever does): the order that is carried out, its CPU, who carries it out; how much of
# what that one waits for is done; stop_machine's state, who has not reached it yet, how many there are, who is not through; the
# CPUs with orders that wait, first and last
(
    HP_ORDER, HP_CPU, HP_WRITER, HP_DONE, HP_STATE, HP_ACKS, HP_THREADS, HP_LEFT, HP_ERROR, HP_START, HP_FIRST, HP_LAST, HP_CSD,
) = range(13)  # fmt: skip
HP_RETRIGGER_CSD = HP_CSD + CSD_SIZE
HOTPLUG_SIZE = HP_RETRIGGER_CSD + CSD_SIZE
NO_ORDER, GOES_OFFLINE, COMES_ONLINE = range(3)
# C_ONLINE: not there; there; there, but tasks are not to stay (!cpu_active while going down); there, but not for tasks yet
CPU_OFFLINE, CPU_ACTIVE, CPU_DYING, CPU_STARTING = range(4)

# A CPU (C_MANAGE): its vectors as kernel/irq/matrix.c struct cpumap counts them, vectors to be freed, the task that takes it down
(
    P_AVAILABLE, P_ALLOCATED, P_MANAGED, P_MANAGED_ALLOCATED, P_ONLINE, P_CLEANUP, P_STOPPER, P_NODE, P_CPUHP, P_PARK, P_PUSH,
    P_STOP, P_WAITS_EMPTY, P_ORDER, P_ORDER_NEXT, P_CPU, P_PUSH_TO, P_ALLOC_MAP,
) = range(18)  # fmt: skip
# P_STOPPER, P_CPUHP: the tasks migration/N and cpuhp/N; P_PARK: which of its threads are asked to park, and whether cpuhp/N is
# asked to run; P_PUSH: a task that the stopper is to move away, P_PUSH_TO: where (0: where it may be); P_STOP: it has a part
# in stop_machine; P_WAITS_EMPTY: cpuhp/N waits for all tasks to be gone; P_ORDER, P_ORDER_NEXT: an order that waits, and the block
# of the one after it; P_CPU: the CPU whose block it is
PARK_KSOFTIRQD, PARK_CPUHP, PARK_STOPPER, RUN_CPUHP = 1, 2, 4, 8
P_MANAGED_MAP = P_ALLOC_MAP + VECTOR_WORDS
P_CLEANUP_TIMER = P_MANAGED_MAP + VECTOR_WORDS
PER_CPU_SIZE = P_CLEANUP_TIMER + HRTIMER_SIZE

# A line (D_MANAGE)
(
    I_FLAGS, I_AFFINITY, I_PENDING_MASK, I_HINT, I_NODE_MASK, I_PREV_CPU, I_PREV_VECTOR, I_ON_CLEANUP, I_CLEANUP_NEXT,
    I_LEFT_VECTOR, LINE_SIZE,
) = range(11)  # fmt: skip
# I_LEFT_VECTOR: the one by which it came to the CPU that goes offline
# I_FLAGS, include/linux/irq.h
IRQD_MANAGED, IRQD_NO_BALANCING, IRQD_AFFINITY_SET, IRQD_STARTED, IRQD_MANAGED_SHUTDOWN, IRQD_MOVE_PCNTXT = 1, 2, 4, 8, 16, 32
# D_MOVING: a mask waits for the next interrupt; the old vector is still to be freed
SETAFFINITY_PENDING, MOVE_IN_PROGRESS = 1, 2

EPERM, EIO, EACCES, EBUSY, EINVAL, ENOSPC, ENOENT, EOPNOTSUPP = 1, 5, 13, 16, 22, 28, 2, 95
