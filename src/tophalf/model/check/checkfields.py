"""Where what is found wrong while drivers run lies: the world's table of complaints, and of each task the locks that it holds.

What a task holds lies behind the locals of its frames (`codefields`): held_of(task) = K_LOCALS + LOCALS_EACH * (task + K_STACK) +
FRAMES_MAX * LOCALS_MAX. Its first word is the address of the table, so that a world without drivers needs none.
"""

# The table, one a world. CK_MAX: complaints there is room for; CK_LOST: how many there was none for; CK_FIRST: the first.
# CK_CLASSES: how many classes of locks there are, with 0, that of none; CK_USAGE: a word of U_* for each; CK_EDGES: by class times
# CK_CLASSES + class, bits of the kinds in which the second was taken while the first was held. CK_QUEUES: pairs of a workqueue and
# its map, then 0.
CK_COUNT, CK_MAX, CK_LOST, CK_FIRST, CK_CLASSES, CK_USAGE, CK_EDGES, CK_QUEUES, CHECKS_SIZE = range(9)

# A complaint, the first of its kind at its place; RE_COUNT: how often it came. RE_PLACE: what tells it from others of its kind,
# most often the address of an instruction. RE_CPU: a number. RE_ABOUT, RE_OTHER: as the kind says. Then the frames of the
# task's stack from the bottom, and what it held.
(
    RE_KIND, RE_PLACE, RE_COUNT, RE_TIME, RE_CPU, RE_TASK, RE_PREEMPT, RE_IRQS_OFF, RE_ABOUT, RE_OTHER, RE_FRAMES, RE_HELD,
    RE_STACK,
) = range(13)  # fmt: skip
FRAME_PC, FRAME_KIND, FRAME_ARG, FRAME_VECTOR, FRAME_WORDS = range(5)
HELD_TOLD = 8  # locks of a complaint, the last ones

# What a task holds: the table's address, how many, then those in the order in which they were taken (lockdep's held_lock).
# HL_LOCK: its map; HL_PC: the instruction that took it; HL_CONTEXT: 2 in a hardirq, + 1 in a softirq; HL_FLAGS: how (H_*).
HD_CHECKS, HD_DEPTH, HD_LOCKS = range(3)
HL_LOCK, HL_PC, HL_CONTEXT, HL_FLAGS, HELD_SIZE = range(5)
HELD_MAX = 48  # include/linux/sched.h MAX_LOCK_DEPTH
HELD_WORDS = HD_LOCKS + HELD_MAX * HELD_SIZE

# What of a lock, or of something else that is waited for, is known to lockdep (struct lockdep_map): its class
MAP_CLASS, MAP_SIZE = range(2)
# HL_FLAGS, and how an instruction takes it: for reading; a mutex; no lock but what is waited for (a work, a line, ...); interrupts
# were off before; taking it turns interrupts off; bottom halves off; for writing
H_READ, H_MUTEX, H_PSEUDO, H_WERE_OFF, H_IRQS, H_BH, H_WRITE = 1, 2, 4, 8, 16, 32, 64
# How a class was used (kernel/locking/lockdep_states.h): in interrupts, and with them on; the same for readers
U_IN_HARDIRQ, U_IN_SOFTIRQ, U_HARDIRQS_ON, U_SOFTIRQS_ON, U_READ = 1, 2, 4, 8, 16
