"""The event queue: a binary heap of timers in order of (time, sequence number), so that equal times keep their order.

A slot holds a timer and, beside it, its time, so that finding the earliest touches no timer.
"""

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
    last = timer_at(m, m[G_HEAP_COUNT])
    m[G_HEAP_COUNT] -= 1
    if last != timer:
        rise(m, last, slot)
        if m[last + T_SLOT] == slot:
            sink(m, last, slot)


@inlined
def next_time(m):
    """When the first timer fires, NEVER when there is none."""
    return m[m[G_HEAP] + 2] if m[G_HEAP_COUNT] else NEVER


@inlined
def timer_at(m, slot):
    """The timer at a slot; that at 1 fires first, the last is at G_HEAP_COUNT."""
    return m[m[G_HEAP] + 2 * slot + 1]


@inlined
def pop(m):
    """Take the first timer out of the queue, which must not be empty."""
    first = timer_at(m, 1)
    last = timer_at(m, m[G_HEAP_COUNT])
    m[G_HEAP_COUNT] -= 1
    m[first + T_SLOT] = 0
    if last != first:
        sink(m, last, 1)
    return first


@inlined
def put(m, place, slot, timer, time_ns):
    m[place] = time_ns
    m[place + 1] = timer
    m[timer + T_SLOT] = slot


@inlined
def precedes(m, time_ns, timer, place):
    """Whether a timer fires before the one at a place of the heap."""
    if time_ns != m[place]:
        return time_ns < m[place]
    return m[timer + T_SEQ] < m[m[place + 1] + T_SEQ]


@inlined
def is_before(m, one, other):
    """Whether one timer fires before another."""
    if m[one + T_TIME] != m[other + T_TIME]:
        return m[one + T_TIME] < m[other + T_TIME]
    return m[one + T_SEQ] < m[other + T_SEQ]


@compiled
def rise(m, timer, slot):
    """Put a timer at `slot`, or nearer to the root where it belongs."""
    heap, time_ns = m[G_HEAP], m[timer + T_TIME]
    while slot > 1:
        above = heap + 2 * (slot >> 1)
        if not precedes(m, time_ns, timer, above):
            break
        put(m, heap + 2 * slot, slot, m[above + 1], m[above])
        slot >>= 1
    put(m, heap + 2 * slot, slot, timer, time_ns)


@compiled
def sink(m, timer, slot):
    """Put a timer at `slot`, or farther from the root where it belongs."""
    heap, count, time_ns = m[G_HEAP], m[G_HEAP_COUNT], m[timer + T_TIME]
    while 2 * slot <= count:
        child = 2 * slot
        below = heap + 2 * child
        if child < count:  # added, not chosen by a branch, which nothing could predict
            right = int(m[below + 2] < m[below])
            if m[below + 2] == m[below]:
                right = int(m[m[below + 3] + T_SEQ] < m[m[below + 1] + T_SEQ])
            child += right
            below += 2 * right
        if precedes(m, time_ns, timer, below):
            break
        put(m, heap + 2 * slot, slot, m[below + 1], m[below])
        slot = child
    put(m, heap + 2 * slot, slot, timer, time_ns)
