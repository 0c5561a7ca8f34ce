"""Packets of a constant rate and a constant cost, with room in the ring for all: a poll of them with nothing written down.

The common case of `nicplan.serve_on`, which it comes to the same as. The plan is where it began, and what it served; should it be
taken back, its slots are written as if it had been worked out packet by packet (write_plan).
"""

from tophalf.model.fields import (
    CELL_BITS,
    CONSTANT,
    COST_KIND,
    COST_MEAN,
    F_R1,
    G_LIMIT,
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
    Q_PERIOD_WHOLE,
    Q_PLAN_FIRST,
    Q_PLAN_NS,
    Q_SHIFT,
    Q_TAIL,
    Q_UNWRITTEN,
    SLOT_DONE,
)
from tophalf.model.ground.jit import compiled, inlined
from tophalf.model.ground.latencycells import shift_of
from tophalf.model.net.nicring import arrive_unwritten, has_room_until, is_steady, parts_before, slot_of, write_slots

PLAN_MAX = 128  # packets served in one plan, so that none of its slots is used twice: a poll has 64
NO_RUN = -1  # Q_PLAN_FIRST where the plan is in the slots


@inlined
def may_run(m, frame, queue, budget, time_ns):
    """Whether all that can be served from time_ns on is such a run, and over before the slice of the run ends."""
    if not is_steady(m, queue) or m[queue + Q_UNWRITTEN] > m[queue + Q_HEAD] or m[m[queue + Q_PACKET_COST] + COST_KIND] != CONSTANT:
        return False
    end_ns = time_ns + min(budget - m[frame + F_R1], PLAN_MAX) * m[m[queue + Q_PACKET_COST] + COST_MEAN]
    return end_ns <= m[G_LIMIT] and has_room_until(m, queue, end_ns)


@compiled
def serve_run(m, frame, queue, budget, time_ns):
    """Serve from time_ns on until nothing waits or the budget is used up. Returns when."""
    first, cost_ns = m[queue + Q_HEAD], m[m[queue + Q_PACKET_COST] + COST_MEAN]
    period_ns, part, whole = m[queue + Q_PERIOD], m[queue + Q_PERIOD_FRACTION], m[queue + Q_PERIOD_WHOLE]
    waiting, most = m[queue + Q_TAIL] - first, min(budget - m[frame + F_R1], PLAN_MAX)
    m[queue + Q_PLAN_FIRST], m[queue + Q_PLAN_NS], m[queue + Q_LOST_COUNT] = first, time_ns, 0
    came_ns, fraction = m[queue + Q_NEXT], m[queue + Q_FRACTION]
    if waiting:
        parts = parts_before(m, queue, waiting)
        came_ns, fraction = came_ns - waiting * period_ns + parts // whole, parts % whole
    shift, histogram, sum_ns, served = m[queue + Q_SHIFT], m[queue + Q_HISTOGRAM], 0, 0
    first_ns = last_ns = latency_ns = time_ns + cost_ns - came_ns
    while served < most and latency_ns >= cost_ns:  # it is there when its turn comes
        last_ns = latency_ns
        sum_ns += latency_ns
        scaled = latency_ns >> shift
        if scaled >= 2 << CELL_BITS or scaled < 1 << CELL_BITS and shift:
            shift = shift_of(latency_ns)
            scaled = min(latency_ns >> shift, (2 << CELL_BITS) - 1)
        m[histogram + (shift << CELL_BITS) + scaled] += 1
        latency_ns += cost_ns - period_ns
        fraction += part
        if fraction >= whole:
            fraction -= whole
            latency_ns -= 1
        served += 1
    time_ns += served * cost_ns
    if served:  # latencies only grow in a run, or only shrink
        m[queue + Q_LATENCY_MAX] = max(m[queue + Q_LATENCY_MAX], first_ns, last_ns)
    m[queue + Q_SHIFT] = shift
    m[queue + Q_LATENCY_SUM] += sum_ns
    m[queue + Q_DELIVERED] += served
    m[frame + F_R1] += served
    m[queue + Q_HEAD] = first + served
    if served > waiting:
        m[queue + Q_OFFERED] += served - waiting
        m[queue + Q_TAIL] = first + served
        m[queue + Q_NEXT], m[queue + Q_FRACTION] = time_ns + cost_ns - latency_ns, fraction
    if m[queue + Q_NEXT] <= time_ns:
        arrive_unwritten(m, queue, time_ns)
    return time_ns


@compiled
def write_plan(m, queue):
    """The plan is taken back: its packets into their slots, when they came and when they would be done."""
    first, cost_ns = m[queue + Q_PLAN_FIRST], m[m[queue + Q_PACKET_COST] + COST_MEAN]
    m[queue + Q_PLAN_FIRST] = NO_RUN
    write_slots(m, queue, first)
    for index in range(first, m[queue + Q_HEAD]):
        m[slot_of(m, queue, index) + SLOT_DONE] = m[queue + Q_PLAN_NS] + (index - first + 1) * cost_ns
