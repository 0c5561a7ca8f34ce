"""What is known of the locks of drivers while they run: who holds which, how each class is used, which comes after which.

kernel/locking/lockdep.c: lock_acquire, lock_release, mark_usage, mark_held_locks, check_deadlock. Each task has its locks, those of
interrupts over it among them, told apart by their context. New usages and new orders are kept as facts, with stack and locks, which
`lockfacts` judges after the run. Unlike the kernel it goes on after what is wrong. Left out: what a hardirq over a softirq takes as
used in softirqs, trylocks, nesting annotations.
"""

from tophalf.model.check.checkfields import (
    CK_CLASSES,
    CK_EDGES,
    CK_USAGE,
    H_BH,
    H_IRQS,
    H_MUTEX,
    H_PSEUDO,
    H_READ,
    H_WERE_OFF,
    HD_CHECKS,
    HD_DEPTH,
    HD_LOCKS,
    HELD_MAX,
    HELD_SIZE,
    HL_CONTEXT,
    HL_FLAGS,
    HL_LOCK,
    HL_PC,
    MAP_CLASS,
    U_HARDIRQS_ON,
    U_IN_HARDIRQ,
    U_IN_SOFTIRQ,
    U_READ,
    U_SOFTIRQS_ON,
)
from tophalf.model.check.checkkinds import FACT_EDGE, FACT_USAGE, RECURSIVE, TOO_DEEP, WAITS_FOR_ITSELF
from tophalf.model.check.complain import complain, held_of
from tophalf.model.fields import C_CURRENT, C_IRQS_OFF, C_PREEMPT_COUNT, HARDIRQ_MASK, SOFTIRQ_MASK, SOFTIRQ_OFFSET
from tophalf.model.ground.jit import compiled, inlined

USAGES = 256  # more than all of U_* together
EDGE_KINDS = 4


@inlined
def context_of(m, cpu):
    """task_irq_context: 2 in a hardirq, + 1 while serving softirqs."""
    count = m[cpu + C_PREEMPT_COUNT]
    return 2 * (count & HARDIRQ_MASK != 0) + (count & SOFTIRQ_OFFSET != 0)


@compiled
def acquire(m, cpu, lock, how, pc):
    """A lock is about to be taken, or something waited for. lock: its map."""
    held, context = held_of(m, m[cpu + C_CURRENT]), context_of(m, cpu)
    each, depth = held + HD_LOCKS, m[held + HD_DEPTH]
    if depth and not waits_for_itself(m, cpu, held, context, lock, how, pc):
        for _ in range(depth):
            if m[each + HL_CONTEXT] == context and m[m[each + HL_LOCK] + MAP_CLASS] != m[lock + MAP_CLASS]:
                follows(m, cpu, held, each, lock, how)
            each += HELD_SIZE
    each = held + HD_LOCKS + depth * HELD_SIZE
    if how & (H_MUTEX | H_PSEUDO) == 0:
        mark(m, cpu, lock, usage_now(m, cpu, how), how)
    if depth == HELD_MAX:
        complain(m, cpu, TOO_DEEP, pc, 0, 0)
        return
    m[each + HL_LOCK] = lock
    m[each + HL_PC] = pc
    m[each + HL_CONTEXT] = context
    m[each + HL_FLAGS] = how | (H_WERE_OFF if m[cpu + C_IRQS_OFF] else 0)
    m[held + HD_DEPTH] = depth + 1


@compiled
def waits_for_itself(m, cpu, held, context, lock, how, pc):
    """check_deadlock: one of the same class is held; only a recursive reader may come after a reader."""
    each = held + HD_LOCKS
    for _ in range(m[held + HD_DEPTH]):
        is_same = m[each + HL_CONTEXT] == context and m[m[each + HL_LOCK] + MAP_CLASS] == m[lock + MAP_CLASS]
        if is_same and not (m[each + HL_FLAGS] & H_READ and is_recursive(m, cpu, how)):
            complain(m, cpu, WAITS_FOR_ITSELF if how & H_PSEUDO else RECURSIVE, pc, lock, m[each + HL_PC])
            return True
        each += HELD_SIZE
    return False


@inlined
def is_recursive(m, cpu, how):
    """read_lock_is_recursive: readers in interrupts, and with bottom halves off, do not wait for a writer that waits."""
    return how & H_READ and (how & H_BH or m[cpu + C_PREEMPT_COUNT] & (HARDIRQ_MASK | SOFTIRQ_MASK))


@compiled
def follows(m, cpu, held, first, lock, how):
    """check_prev_add: a lock is taken while another of the same context is held. Its kind, __calc_dep_bit: + 1 where that is read,
    + 2 where this is, recursively."""
    checks, one, other = m[held + HD_CHECKS], m[m[first + HL_LOCK] + MAP_CLASS], m[lock + MAP_CLASS]
    edge = m[checks + CK_EDGES] + one * m[checks + CK_CLASSES] + other
    kind = (1 if m[first + HL_FLAGS] & H_READ else 0) + (2 if is_recursive(m, cpu, how) else 0)
    if m[edge] & 1 << kind == 0:
        m[edge] |= 1 << kind
        complain(m, cpu, FACT_EDGE, (one * m[checks + CK_CLASSES] + other) * EDGE_KINDS + kind, m[first + HL_LOCK], lock)


@compiled
def usage_now(m, cpu, how):
    """mark_usage: of a lock that is about to be taken here. how: what its instruction will turn off first."""
    count, usage = m[cpu + C_PREEMPT_COUNT], 0
    if count & HARDIRQ_MASK:
        usage = U_IN_HARDIRQ
    elif count & SOFTIRQ_OFFSET:
        usage = U_IN_SOFTIRQ
    if m[cpu + C_IRQS_OFF] == 0 and how & H_IRQS == 0 and count & HARDIRQ_MASK == 0:
        usage |= U_HARDIRQS_ON
        if count & SOFTIRQ_MASK == 0 and how & H_BH == 0:
            usage |= U_SOFTIRQS_ON
    return usage


@compiled
def mark(m, cpu, lock, usage, how):
    """mark_lock: what is new about how a class is used."""
    if how & H_READ:
        usage *= U_READ
    checks = m[held_of(m, m[cpu + C_CURRENT]) + HD_CHECKS]
    known = m[checks + CK_USAGE] + m[lock + MAP_CLASS]
    new = usage & ~m[known]
    if new:
        m[known] |= new
        complain(m, cpu, FACT_USAGE, m[lock + MAP_CLASS] * USAGES + new, lock, new)


@compiled
def mark_held(m, cpu, usage):
    """mark_held_locks: interrupts, or bottom halves, are about to be turned on with what is held."""
    held = held_of(m, m[cpu + C_CURRENT])
    each = held + HD_LOCKS
    for _ in range(m[held + HD_DEPTH]):
        if m[each + HL_FLAGS] & (H_MUTEX | H_PSEUDO) == 0:
            mark(m, cpu, m[each + HL_LOCK], usage, m[each + HL_FLAGS])
        each += HELD_SIZE


@compiled
def release(m, cpu, lock):
    """Returns how it was taken, -1 where this context does not hold it (find_held_lock)."""
    held, context = held_of(m, m[cpu + C_CURRENT]), context_of(m, cpu)
    depth = m[held + HD_DEPTH]
    each, last = held + HD_LOCKS + (depth - 1) * HELD_SIZE, held + HD_LOCKS + (depth - 1) * HELD_SIZE
    for _ in range(depth):
        if m[each + HL_LOCK] == lock and m[each + HL_CONTEXT] == context:
            how = m[each + HL_FLAGS]
            for word in range(each, last):
                m[word] = m[word + HELD_SIZE]
            m[held + HD_DEPTH] = depth - 1
            return how
        each -= HELD_SIZE
    return -1
