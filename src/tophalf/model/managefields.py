"""Where lines and CPUs that are managed keep what they need besides: blocks at G_MANAGE, C_MANAGE and D_MANAGE.

A CPU mask is M_MASK_WORDS words of MASK_BITS CPUs each; a mask is known by its address.
"""

from tophalf.model.fields import HRTIMER_SIZE

MASK_BITS = 32
VECTOR_WORDS = 8  # a set of 256 vectors, 32 in a word

# The machine (G_MANAGE)
(
    M_LINES, M_LINE_COUNT, M_TASKS, M_TASK_COUNT, M_MASK_WORDS, M_ONLINE, M_DEFAULT, M_HOUSEKEEPING, M_REMAPPING, M_PROGRAMMED,
    M_TARGETS, M_WANTED, M_SYSTEM_VECTORS, M_POLL_PROGRAM, M_POLL_TIMER,
) = range(15)  # fmt: skip
MANAGE_SIZE = M_POLL_TIMER + HRTIMER_SIZE
# M_PROGRAMMED, M_TARGETS: masks for irq_do_set_affinity alone; M_WANTED: one that Python fills for a command

# A CPU (C_MANAGE): its vectors as kernel/irq/matrix.c struct cpumap counts them, vectors to be freed, the task that takes it down
(
    P_AVAILABLE, P_ALLOCATED, P_MANAGED, P_MANAGED_ALLOCATED, P_ONLINE, P_CLEANUP, P_STOPPER, P_NODE, P_ALLOC_MAP,
) = range(9)  # fmt: skip
P_MANAGED_MAP = P_ALLOC_MAP + VECTOR_WORDS
P_CLEANUP_TIMER = P_MANAGED_MAP + VECTOR_WORDS
PER_CPU_SIZE = P_CLEANUP_TIMER + HRTIMER_SIZE

# A line (D_MANAGE)
(
    I_FLAGS, I_AFFINITY, I_PENDING_MASK, I_HINT, I_NODE_MASK, I_PREV_CPU, I_PREV_VECTOR, I_ON_CLEANUP, I_CLEANUP_NEXT, LINE_SIZE,
) = range(10)  # fmt: skip
# I_FLAGS, include/linux/irq.h
IRQD_MANAGED, IRQD_NO_BALANCING, IRQD_AFFINITY_SET, IRQD_STARTED, IRQD_MANAGED_SHUTDOWN, IRQD_MOVE_PCNTXT = 1, 2, 4, 8, 16, 32
# D_MOVING: a mask waits for the next interrupt; the old vector is still to be freed
SETAFFINITY_PENDING, MOVE_IN_PROGRESS = 1, 2

EPERM, EIO, EBUSY, EINVAL, ENOSPC, ENOENT = 1, 5, 16, 22, 28, 2
