"""A receive queue's packets as they come: when, and which slot of the ring each takes.

Arrivals depend on nothing else in the world, so no event is spent on them: whoever looks at the ring lets arrive what came by
then. At a constant rate the times of those that wait follow from that of the next; they are written into their slots only when
something needs them there: the slots from index Q_UNWRITTEN on hold nothing.
"""

from tophalf.model.fields import (
    BURSTS,
    CHANGE_FIRST,
    CHANGE_FRACTION,
    CHANGE_PERIOD,
    CHANGE_SIZE,
    CHANGE_TIME,
    CHANGE_WHOLE,
    CONSTANT_RATE,
    NEVER,
    POISSON,
    Q_ARRIVALS,
    Q_BURST,
    Q_BURST_LEFT,
    Q_DROPPED,
    Q_FRACTION,
    Q_GAP,
    Q_HEAD,
    Q_NEXT,
    Q_OFFERED,
    Q_PERIOD,
    Q_PERIOD_FRACTION,
    Q_PERIOD_WHOLE,
    Q_REPLAY,
    Q_REPLAY_COUNT,
    Q_REPLAY_FIRST,
    Q_RING,
    Q_RING_SIZE,
    Q_RNG,
    Q_SINK,
    Q_SLOT_MASK,
    Q_TAIL,
    Q_TIMES,
    Q_TIMES_LEFT,
    Q_UNWRITTEN,
    SLOT_ARRIVAL,
    SLOT_SERIAL,
    SLOT_SIZE,
    TIMES,
)
from tophalf.model.ground.jit import compiled, inlined
from tophalf.model.ground.rng import EXP_BITS, exponential


@inlined
def slot_of(m, queue, index):
    return m[queue + Q_RING] + (index & m[queue + Q_SLOT_MASK]) * SLOT_SIZE


@inlined
def replay_place(m, queue):
    """Where the first of the arrivals that come again stands; there is room for twice the slots."""
    return m[queue + Q_REPLAY] + (m[queue + Q_REPLAY_FIRST] & (m[queue + Q_SLOT_MASK] << 1 | 1))


@inlined
def upcoming(m, queue):
    """When the next packet arrives that has not yet."""
    if m[queue + Q_REPLAY_COUNT]:
        return m[replay_place(m, queue)]
    return m[queue + Q_NEXT]


@compiled
def arrive(m, queue, time_ns):
    """Let everything arrive that comes up to time_ns: into the ring, or lost where that is full."""
    next_ns = upcoming(m, queue)
    if next_ns > time_ns:
        return
    if is_steady(m, queue) and has_room_until(m, queue, time_ns):
        arrive_unwritten(m, queue, time_ns)
        return
    write_slots(m, queue, m[queue + Q_HEAD])
    while next_ns <= time_ns:
        m[queue + Q_OFFERED] += 1
        tail = m[queue + Q_TAIL]
        if tail - m[queue + Q_HEAD] < m[queue + Q_RING_SIZE]:
            slot = slot_of(m, queue, tail)
            m[slot + SLOT_ARRIVAL] = next_ns
            m[slot + SLOT_SERIAL] = m[queue + Q_OFFERED]
            m[queue + Q_TAIL] = tail + 1
        else:
            m[queue + Q_DROPPED] += 1
        go_to_next(m, queue)
        next_ns = upcoming(m, queue)
    m[queue + Q_UNWRITTEN] = m[queue + Q_TAIL]


@inlined
def is_steady(m, queue):
    """Whether packets come at a constant rate, none of them again, and nobody needs their serial numbers."""
    return m[queue + Q_ARRIVALS] == CONSTANT_RATE and m[queue + Q_REPLAY_COUNT] == 0 and m[queue + Q_SINK] == 0


@inlined
def has_room_until(m, queue, time_ns):
    """Whether the ring surely takes all that comes up to time_ns at a constant rate, were none to leave it."""
    room = m[queue + Q_RING_SIZE] - m[queue + Q_TAIL] + m[queue + Q_HEAD]
    return time_ns - m[queue + Q_NEXT] < room * m[queue + Q_PERIOD]


@inlined
def arrive_unwritten(m, queue, time_ns):
    """At a constant rate, with room in the ring: only how many came, and when the next comes."""
    step, whole = m[queue + Q_PERIOD] * m[queue + Q_PERIOD_WHOLE] + m[queue + Q_PERIOD_FRACTION], m[queue + Q_PERIOD_WHOLE]
    count = ((time_ns + 1 - m[queue + Q_NEXT]) * whole - m[queue + Q_FRACTION] - 1) // step + 1
    parts = m[queue + Q_FRACTION] + count * step
    m[queue + Q_NEXT] += parts // whole
    m[queue + Q_FRACTION] = parts % whole
    m[queue + Q_TAIL] += count
    m[queue + Q_OFFERED] += count


@inlined
def parts_before(m, queue, count):
    """Q_FRACTION less `count` periods, but for their whole nanoseconds: floored, how many ns to add; the rest is the fraction."""
    return m[queue + Q_FRACTION] - count * m[queue + Q_PERIOD_FRACTION]


@compiled
def arrival_of(m, queue, index):
    """When a packet of the ring came: as its slot says, or worked out from the next one's time."""
    if index < m[queue + Q_UNWRITTEN]:
        return m[slot_of(m, queue, index) + SLOT_ARRIVAL]
    count = m[queue + Q_TAIL] - index
    return m[queue + Q_NEXT] - count * m[queue + Q_PERIOD] + parts_before(m, queue, count) // m[queue + Q_PERIOD_WHOLE]


@compiled
def write_slots(m, queue, first):
    """Write down when the packets from index `first` on came, where nobody did."""
    first, whole = max(first, m[queue + Q_UNWRITTEN]), m[queue + Q_PERIOD_WHOLE]
    count = m[queue + Q_TAIL] - first
    if count > 0:
        parts = parts_before(m, queue, count)
        time_ns, fraction = m[queue + Q_NEXT] - count * m[queue + Q_PERIOD] + parts // whole, parts % whole
        for index in range(first, first + count):
            m[slot_of(m, queue, index) + SLOT_ARRIVAL] = time_ns
            time_ns, fraction = a_period_on(time_ns, fraction, m[queue + Q_PERIOD], m[queue + Q_PERIOD_FRACTION], whole)
    m[queue + Q_UNWRITTEN] = m[queue + Q_TAIL]


@compiled
def go_to_next(m, queue):
    """The upcoming packet is dealt with: work out when the one after it comes."""
    if m[queue + Q_REPLAY_COUNT]:
        m[queue + Q_REPLAY_FIRST] += 1
        m[queue + Q_REPLAY_COUNT] -= 1
        return
    kind = m[queue + Q_ARRIVALS]
    if kind == CONSTANT_RATE:
        step_constant(m, queue)
    elif kind == POISSON:
        step_poisson(m, queue)
    elif kind == BURSTS:
        m[queue + Q_BURST_LEFT] -= 1
        if m[queue + Q_BURST_LEFT]:
            step_constant(m, queue)
        else:
            m[queue + Q_BURST_LEFT] = m[queue + Q_BURST]
            m[queue + Q_NEXT] += m[queue + Q_GAP]
    elif kind == TIMES:
        step_times(m, queue)
    else:
        step_changing(m, queue)


@inlined
def step_constant(m, queue):
    """One period on: whole nanoseconds, and a fraction of Q_PERIOD_WHOLE parts that is never lost."""
    period_ns, part, whole = m[queue + Q_PERIOD], m[queue + Q_PERIOD_FRACTION], m[queue + Q_PERIOD_WHOLE]
    m[queue + Q_NEXT], m[queue + Q_FRACTION] = a_period_on(m[queue + Q_NEXT], m[queue + Q_FRACTION], period_ns, part, whole)


@inlined
def a_period_on(next_ns, fraction, period_ns, part, whole):
    fraction += part
    if fraction >= whole:
        return next_ns + period_ns + 1, fraction - whole
    return next_ns + period_ns, fraction


@inlined
def step_poisson(m, queue):
    """An exponential gap on; what is less than a nanosecond is kept in Q_FRACTION."""
    gap = poisson_gap(m, m[queue + Q_RNG], m[queue + Q_PERIOD], m[queue + Q_PERIOD_FRACTION]) + m[queue + Q_FRACTION]
    m[queue + Q_FRACTION] = gap & (1 << EXP_BITS) - 1
    m[queue + Q_NEXT] += gap >> EXP_BITS


@inlined
def poisson_gap(m, rng, period_ns, part):
    """An exponential gap in units of 2**-EXP_BITS ns, whose mean is period_ns and `part` of those units."""
    unit = exponential(m, rng)
    return unit * period_ns + (unit * part >> EXP_BITS)


@compiled
def step_times(m, queue):
    """The next of a recorded list of times."""
    m[queue + Q_TIMES_LEFT] -= 1
    m[queue + Q_TIMES] += 1
    m[queue + Q_NEXT] = m[m[queue + Q_TIMES]] if m[queue + Q_TIMES_LEFT] > 0 else NEVER


@compiled
def step_changing(m, queue):
    """A period on at the rate of now, or to the first at the next rate (`buildrates`)."""
    if m[queue + Q_PERIOD] == NEVER:
        m[queue + Q_NEXT] = NEVER
    elif m[queue + Q_RNG]:
        step_poisson(m, queue)
    else:
        step_constant(m, queue)
    while m[queue + Q_TIMES_LEFT] and m[queue + Q_NEXT] >= m[m[queue + Q_TIMES] + CHANGE_TIME]:
        take_next_rate(m, queue)


@compiled
def take_next_rate(m, queue):
    """Where gaps are exponential the time that has passed already counts for nothing."""
    change = m[queue + Q_TIMES]
    m[queue + Q_TIMES] += CHANGE_SIZE
    m[queue + Q_TIMES_LEFT] -= 1
    m[queue + Q_NEXT], m[queue + Q_FRACTION] = m[change + CHANGE_FIRST], 0
    m[queue + Q_PERIOD], m[queue + Q_PERIOD_FRACTION] = m[change + CHANGE_PERIOD], m[change + CHANGE_FRACTION]
    m[queue + Q_PERIOD_WHOLE] = m[change + CHANGE_WHOLE]
    if m[queue + Q_RNG] and m[queue + Q_NEXT] != NEVER:
        step_poisson(m, queue)
