"""Packets of exponential gaps and a constant cost, with room in the ring for all: a poll that draws each when it serves it.

The common Poisson case of `nicplan.serve_on`, which it comes to the same as, to the word: there packets arrive and are served in
turns whose lengths no processor can guess. Whether the ring had room is known only afterwards: where it had not (SPILT), all is
put back for serve_on to do. Left out: packets that come again (nicplan.take_back), other arrivals, other costs.
"""

from tophalf.model.fields import (
    CELL_BITS,
    CONSTANT,
    COST_KIND,
    COST_MEAN,
    F_R1,
    G_LIMIT,
    G_ZIGGURAT,
    POISSON,
    Q_ARRIVALS,
    Q_DELIVERED,
    Q_FRACTION,
    Q_HEAD,
    Q_HISTOGRAM,
    Q_LATENCY_MAX,
    Q_LATENCY_SUM,
    Q_LOST_COUNT,
    Q_NEXT,
    Q_OFFERED,
    Q_PACKET_COST,
    Q_PERIOD,
    Q_PERIOD_FRACTION,
    Q_REPLAY_COUNT,
    Q_RING,
    Q_RING_SIZE,
    Q_RNG,
    Q_SHIFT,
    Q_SLOT_MASK,
    Q_TAIL,
    SLOT_ARRIVAL,
    SLOT_DONE,
    SLOT_SIZE,
)
from tophalf.model.ground.jit import compiled, inlined
from tophalf.model.ground.latencycells import cell_of, shift_of
from tophalf.model.ground.rng import EXP_BITS, LAYERS, U32, exponential_rest
from tophalf.model.net.nicring import slot_of
from tophalf.model.net.nicrun import PLAN_MAX

SPILT = -1  # instead of a time: the ring may have been full


@inlined
def may_draw(m, frame, queue, budget, time_ns):
    """Whether all that can be served from time_ns on is of this kind, over before the slice ends, and likely to find room."""
    which = m[queue + Q_PACKET_COST]
    if m[queue + Q_ARRIVALS] != POISSON or m[queue + Q_REPLAY_COUNT] or m[which + COST_KIND] != CONSTANT:
        return False
    end_ns = time_ns + min(budget - m[frame + F_R1], PLAN_MAX) * m[which + COST_MEAN]
    room = m[queue + Q_RING_SIZE] - m[queue + Q_TAIL] + m[queue + Q_HEAD]
    return end_ns <= m[G_LIMIT] and 2 * (end_ns - m[queue + Q_NEXT]) < room * m[queue + Q_PERIOD]


@inlined
def gap_after(m, rng, one, other, period_ns, part):
    """`nicring.poisson_gap` of a stream whose words are at hand, not in memory: (gap, word, word)."""
    product = one * 0x9E3779BB & U32  # rng.draw
    other ^= one
    one, other = ((one << 26) & U32 | one >> 6) ^ other ^ (other << 9) & U32, (other << 13) & U32 | other >> 19
    word = ((product << 5) & U32 | product >> 27) * 5 & U32
    layer = m[G_ZIGGURAT] + (word & (LAYERS - 1)) * 3  # rng.exponential
    if word >> 8 < m[layer]:
        unit = (word >> 8) * m[layer + 1] >> 24
    else:
        m[rng], m[rng + 1] = one, other
        unit = exponential_rest(m, rng, word, layer)
        one, other = m[rng], m[rng + 1]
    return unit * period_ns + (unit * part >> EXP_BITS), one, other


@compiled
def serve_drawn(m, frame, queue, budget, time_ns):
    """Serve from time_ns on until nothing waits or the budget is used up. Returns when, or SPILT and nothing has changed."""
    base, mask, size = m[queue + Q_RING], m[queue + Q_SLOT_MASK], m[queue + Q_RING_SIZE]
    cost_ns, histogram = m[m[queue + Q_PACKET_COST] + COST_MEAN], m[queue + Q_HISTOGRAM]
    first, tail, next_ns, fraction = m[queue + Q_HEAD], m[queue + Q_TAIL], m[queue + Q_NEXT], m[queue + Q_FRACTION]
    period_ns, part, rng = m[queue + Q_PERIOD], m[queue + Q_PERIOD_FRACTION], m[queue + Q_RNG]
    one, other = m[rng], m[rng + 1]
    seed, seed_other = one, other
    head, end = first, first + min(budget - m[frame + F_R1], PLAN_MAX)
    sum_ns, latency_ns, most_ns = 0, 0, m[queue + Q_LATENCY_MAX]
    while head < end:
        slot = base + (head & mask) * SLOT_SIZE
        if head < tail:
            came_ns = m[slot + SLOT_ARRIVAL]
        else:
            if next_ns > time_ns or head - first >= size:
                break
            came_ns = next_ns
            m[slot + SLOT_ARRIVAL] = came_ns
            gap, one, other = gap_after(m, rng, one, other, period_ns, part)
            fraction += gap
            next_ns, fraction = next_ns + (fraction >> EXP_BITS), fraction & (1 << EXP_BITS) - 1
        time_ns += cost_ns
        m[slot + SLOT_DONE] = time_ns
        latency_ns = time_ns - came_ns
        sum_ns += latency_ns
        most_ns = max(most_ns, latency_ns)
        shift = shift_of(latency_ns)
        m[histogram + (shift << CELL_BITS) + min(latency_ns >> shift, (2 << CELL_BITS) - 1)] += 1
        head += 1
    last = max(head, tail)
    while next_ns <= time_ns and last - first < size:
        m[base + (last & mask) * SLOT_SIZE + SLOT_ARRIVAL] = next_ns
        last += 1
        gap, one, other = gap_after(m, rng, one, other, period_ns, part)
        fraction += gap
        next_ns, fraction = next_ns + (fraction >> EXP_BITS), fraction & (1 << EXP_BITS) - 1
    if next_ns <= time_ns:
        m[rng], m[rng + 1] = seed, seed_other
        uncount(m, queue, first, head)
        return SPILT
    m[rng], m[rng + 1] = one, other
    m[queue + Q_NEXT], m[queue + Q_FRACTION], m[queue + Q_LATENCY_MAX], m[queue + Q_LOST_COUNT] = next_ns, fraction, most_ns, 0
    if head > first:
        m[queue + Q_SHIFT] = shift_of(latency_ns)
    m[queue + Q_HEAD], m[queue + Q_TAIL] = head, last
    m[frame + F_R1] += head - first
    m[queue + Q_OFFERED] += last - tail
    m[queue + Q_DELIVERED] += head - first
    m[queue + Q_LATENCY_SUM] += sum_ns
    return time_ns


@compiled
def uncount(m, queue, first, end):
    """Take packets that were served out of the histogram."""
    for index in range(first, end):
        slot = slot_of(m, queue, index)
        m[cell_of(m, queue, m[slot + SLOT_DONE] - m[slot + SLOT_ARRIVAL])] -= 1
