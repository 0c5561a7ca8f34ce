"""The event queue: a binary heap of timers in order of (time, sequence number), so that equal times keep their order."""

from tophalf.model.fields import G_HEAP, G_HEAP_COUNT, G_SEQ, NEVER, T_SEQ, T_SLOT, T_TIME
from tophalf.model.ground.jit import compiled, inlined


@compiled
def arm(m, timer, time_ns):
    """Let a timer fire at time_ns, wherever it stood before."""
    m[timer + T_TIME] = time_ns
    m[G_SEQ] += 1
    m[timer + T_SEQ] = m[G_SEQ]
    if m[timer + T_SLOT] == 0:
        m[G_HEAP_COUNT] += 1
        rise(m, timer, m[G_HEAP_COUNT])
    else:
        slot = m[timer + T_SLOT]
        rise(m, timer, slot)
        if m[timer + T_SLOT] == slot:
            sink(m, timer, slot)


@compiled
def arm_or_cancel(m, timer, time_ns, now_ns):
    """Let a timer fire at time_ns, at once where that is over, and not at all at NEVER."""
    if time_ns < NEVER:
        arm(m, timer, max(time_ns, now_ns))
    else:
        cancel(m, timer)


@compiled
def cancel(m, timer):
    """Take a timer out of the queue, if it is there."""
    slot = m[timer + T_SLOT]
    if slot == 0:
        return
    m[timer + T_SLOT] = 0
    last = m[m[G_HEAP] + m[G_HEAP_COUNT]]
    m[G_HEAP_COUNT] -= 1
    if last != timer:
        rise(m, last, slot)
        if m[last + T_SLOT] == slot:
            sink(m, last, slot)


@inlined
def next_time(m):
    """When the first timer fires, NEVER when there is none."""
    return m[m[m[G_HEAP] + 1] + T_TIME] if m[G_HEAP_COUNT] else NEVER


@inlined
def pop(m):
    """Take the first timer out of the queue, which must not be empty."""
    heap = m[G_HEAP]
    first = m[heap + 1]
    last = m[heap + m[G_HEAP_COUNT]]
    m[G_HEAP_COUNT] -= 1
    m[first + T_SLOT] = 0
    if last != first:
        sink(m, last, 1)
    return first


@inlined
def is_before(m, one, other):
    """Whether one timer fires before another."""
    if m[one + T_TIME] != m[other + T_TIME]:
        return m[one + T_TIME] < m[other + T_TIME]
    return m[one + T_SEQ] < m[other + T_SEQ]


@compiled
def rise(m, timer, slot):
    """Put a timer at `slot`, or nearer to the root where it belongs."""
    heap = m[G_HEAP]
    while slot > 1 and is_before(m, timer, m[heap + (slot >> 1)]):
        above = m[heap + (slot >> 1)]
        m[heap + slot] = above
        m[above + T_SLOT] = slot
        slot >>= 1
    m[heap + slot] = timer
    m[timer + T_SLOT] = slot


@compiled
def sink(m, timer, slot):
    """Put a timer at `slot`, or farther from the root where it belongs."""
    heap, count = m[G_HEAP], m[G_HEAP_COUNT]
    while 2 * slot <= count:
        child = 2 * slot
        if child < count and is_before(m, m[heap + child + 1], m[heap + child]):
            child += 1
        below = m[heap + child]
        if not is_before(m, below, timer):
            break
        m[heap + slot] = below
        m[below + T_SLOT] = slot
        slot = child
    m[heap + slot] = timer
    m[timer + T_SLOT] = slot
