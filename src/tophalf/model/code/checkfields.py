"""Where what is found wrong while drivers run lies: the world's table of complaints, and of each task the locks that it holds.

What a task holds lies behind the locals of its frames (`codefields`): held_of(task) = K_LOCALS + LOCALS_EACH * (task + K_STACK) +
FRAMES_MAX * LOCALS_MAX. Its first word is the address of the table, so that a world without drivers needs none.
"""

# The table, one a world. K_MAX: complaints there is room for; K_LOST: how many there was none for; K_FIRST: the first.
CK_COUNT, CK_MAX, CK_LOST, CK_FIRST, CHECKS_SIZE = range(5)

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
# HL_LOCK: its address; HL_PC: the instruction that took it; HL_CONTEXT: 2 in a hardirq, + 1 in a softirq; HL_FLAGS: how.
HD_CHECKS, HD_DEPTH, HD_LOCKS = range(3)
HL_LOCK, HL_PC, HL_CONTEXT, HL_FLAGS, HELD_SIZE = range(5)
HELD_MAX = 48  # include/linux/sched.h MAX_LOCK_DEPTH
HELD_WORDS = HD_LOCKS + HELD_MAX * HELD_SIZE
