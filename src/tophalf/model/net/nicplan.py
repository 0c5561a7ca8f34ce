"""Polls of a receive queue: packets are served and delivered.

A poll is worked out in one go, as if nothing could interrupt it, and taken back from the moment of an interrupt on, with what was
lost since: where service is delayed another packet may be lost, and leave it room. Of a plan's losses as many are remembered as
the ring has slots; those beyond stay lost. How packets come is in `nicring`; common cases of equal packets are in `nicrun` and
`nicdraw`.
"""

from tophalf.model.fields import (
    C_FRAME,
    C_PLAN,
    CELL_BITS,
    CONSTANT,
    CONSTANT_RATE,
    COST_KIND,
    COST_MEAN,
    F_LEFT,
    F_R1,
    F_R2,
    G_LIMIT,
    G_NOW,
    POISSON,
    Q_ARRIVALS,
    Q_COSTED,
    Q_DELIVERED,
    Q_DROPPED,
    Q_FRACTION,
    Q_HEAD,
    Q_HISTOGRAM,
    Q_LATENCY_MAX,
    Q_LATENCY_SUM,
    Q_LOST,
    Q_LOST_COUNT,
    Q_NEXT,
    Q_OFFERED,
    Q_PACKET_COST,
    Q_PERIOD,
    Q_PERIOD_FRACTION,
    Q_PERIOD_WHOLE,
    Q_PLAN_FIRST,
    Q_REPLAY_COUNT,
    Q_REPLAY_FIRST,
    Q_RING,
    Q_RING_SIZE,
    Q_RNG,
    Q_SHIFT,
    Q_SLOT_MASK,
    Q_TAIL,
    Q_UNWRITTEN,
    SLOT_ARRIVAL,
    SLOT_COST,
    SLOT_DONE,
    SLOT_SIZE,
)
from tophalf.model.ground.costs import random_cost
from tophalf.model.ground.jit import compiled, inlined
from tophalf.model.ground.latencycells import cell_of, shift_of
from tophalf.model.ground.rng import EXP_BITS
from tophalf.model.net.nicdraw import SPILT, may_draw, serve_drawn
from tophalf.model.net.nicring import a_period_on, arrive, go_to_next, poisson_gap, replay_place, slot_of, upcoming, write_slots
from tophalf.model.net.nicrun import NO_RUN, PLAN_MAX, may_run, serve_run, write_plan


@inlined
def cost_of(m, queue, head):
    """What the packet at the head of the ring costs: drawn anew, or what it was begun with before (take_back)."""
    which = m[queue + Q_PACKET_COST]
    if m[which + COST_KIND] == CONSTANT:
        return m[which + COST_MEAN]
    if head < m[queue + Q_COSTED]:
        return m[slot_of(m, queue, head) + SLOT_COST]
    return random_cost(m, which)


@compiled
def serve(m, cpu, frame, queue, budget, until):
    """Work on the ring from now on: up to `budget` packets (in R1), below index `until`, or all that arrive (until < 0).

    Returns the time that it takes from now, 0 when there is nothing to do. A packet that will not be done before the end
    of this slice of the run is left in service (R2).
    """
    now_ns = m[G_NOW]
    m[cpu + C_PLAN] = 0
    if m[frame + F_R2]:
        m[frame + F_R2] = 0
        arrive(m, queue, now_ns - 1)  # what came before found its slot still taken
        deliver(m, queue, slot_of(m, queue, m[queue + Q_HEAD]), now_ns)
        m[frame + F_R1] += 1
    if upcoming(m, queue) > now_ns and (m[frame + F_R1] >= budget or m[queue + Q_TAIL] == m[queue + Q_HEAD]):
        return 0  # as ever when it looks again
    if until < 0 and may_run(m, frame, queue, budget, now_ns):
        time_ns = serve_run(m, frame, queue, budget, now_ns)
    else:
        m[queue + Q_PLAN_FIRST] = NO_RUN
        time_ns = SPILT
        if until < 0 and may_draw(m, frame, queue, budget, now_ns):
            time_ns = serve_drawn(m, frame, queue, budget, now_ns)
        if time_ns == SPILT:
            arrive(m, queue, now_ns)  # nothing takes that back: the plan need not remember what is lost
            write_slots(m, queue, m[queue + Q_HEAD])
            time_ns = serve_on(m, frame, queue, budget, until, now_ns)
        m[queue + Q_UNWRITTEN] = m[queue + Q_TAIL]
    if time_ns > now_ns:
        m[cpu + C_PLAN] = queue
    return time_ns - now_ns


@inlined
def serve_on(m, frame, queue, budget, until, time_ns):
    """The loop of `serve`, as fast as can be: arrive, cost_of and deliver in one. Returns when all that wait or come are served."""
    limit_ns, base, mask, size = m[G_LIMIT], m[queue + Q_RING], m[queue + Q_SLOT_MASK], m[queue + Q_RING_SIZE]
    head, tail, next_ns = m[queue + Q_HEAD], m[queue + Q_TAIL], upcoming(m, queue)
    which, shift, histogram = m[queue + Q_PACKET_COST], m[queue + Q_SHIFT], m[queue + Q_HISTOGRAM]
    is_constant, cost_ns = m[which + COST_KIND] == CONSTANT, m[which + COST_MEAN]
    fresh, kind = m[queue + Q_REPLAY_COUNT] == 0, m[queue + Q_ARRIVALS]
    is_steady, is_poisson = fresh and kind == CONSTANT_RATE, fresh and kind == POISSON
    period_ns, fraction, rng = m[queue + Q_PERIOD], m[queue + Q_FRACTION], m[queue + Q_RNG]
    part, whole = m[queue + Q_PERIOD_FRACTION], m[queue + Q_PERIOD_WHOLE]
    work, sum_ns, most_ns, came, lost = m[frame + F_R1], 0, m[queue + Q_LATENCY_MAX], 0, 0
    first, gone, losses, end = work, head, m[queue + Q_LOST], head + PLAN_MAX
    while True:
        now_ns = min(time_ns, limit_ns)
        while next_ns <= now_ns and lost <= mask:
            came += 1
            while tail - gone >= size and gone < head and m[base + (gone & mask) * SLOT_SIZE + SLOT_DONE] <= next_ns:
                gone += 1  # had left the ring when this packet came
            if tail - gone < size:
                m[base + (tail & mask) * SLOT_SIZE + SLOT_ARRIVAL] = next_ns
                tail += 1
            else:
                m[losses + lost] = next_ns
                lost += 1
            if is_steady:
                next_ns, fraction = a_period_on(next_ns, fraction, period_ns, part, whole)
            elif is_poisson:
                fraction += poisson_gap(m, rng, period_ns, part)
                next_ns, fraction = next_ns + (fraction >> EXP_BITS), fraction & (1 << EXP_BITS) - 1
            else:
                go_to_next(m, queue)
                next_ns = upcoming(m, queue)
        stop = min(tail if until < 0 else until, head + budget - work, end)
        if head >= stop or time_ns > limit_ns or lost > mask:
            break
        while head < stop:
            slot = base + (head & mask) * SLOT_SIZE
            cost_ns = cost_ns if is_constant else cost_of(m, queue, head)
            time_ns += cost_ns
            m[slot + SLOT_DONE] = time_ns
            if time_ns > limit_ns:
                m[frame + F_R2] = 1
                break
            head, work = head + 1, work + 1
            latency_ns = time_ns - m[slot + SLOT_ARRIVAL]
            sum_ns += latency_ns
            most_ns = max(most_ns, latency_ns)
            scaled = latency_ns >> shift
            if scaled < 1 << CELL_BITS or scaled >= 2 << CELL_BITS:
                shift = shift_of(latency_ns)
                scaled = min(latency_ns >> shift, (2 << CELL_BITS) - 1)
            m[histogram + (shift << CELL_BITS) + scaled] += 1
    if is_steady or is_poisson:
        m[queue + Q_NEXT], m[queue + Q_FRACTION] = next_ns, fraction
    m[queue + Q_HEAD], m[queue + Q_TAIL], m[frame + F_R1] = head, tail, work
    m[queue + Q_LATENCY_MAX], m[queue + Q_SHIFT], m[queue + Q_LOST_COUNT] = most_ns, shift, lost
    book(m, queue, came, lost, work - first, sum_ns)
    if next_ns <= min(time_ns, limit_ns):  # no room to remember another that is lost: from there on it is planned again
        return serve_until(m, frame, queue, next_ns, time_ns)
    return time_ns


@inlined
def book(m, queue, came, lost, served, latency_sum_ns):
    m[queue + Q_OFFERED] += came
    m[queue + Q_DROPPED] += lost
    m[queue + Q_DELIVERED] += served
    m[queue + Q_LATENCY_SUM] += latency_sum_ns


@inlined
def deliver(m, queue, slot, time_ns):
    """The packet at the head is done: its slot is free, its latency known."""
    m[queue + Q_HEAD] += 1
    m[queue + Q_DELIVERED] += 1
    latency_ns = time_ns - m[slot + SLOT_ARRIVAL]
    m[queue + Q_LATENCY_SUM] += latency_ns
    m[queue + Q_LATENCY_MAX] = max(m[queue + Q_LATENCY_MAX], latency_ns)
    m[cell_of(m, queue, latency_ns)] += 1


@compiled
def take_back(m, cpu):
    """The CPU was interrupted in the middle of a plan: undo what would have come later."""
    queue, frame, now_ns = m[cpu + C_PLAN], m[cpu + C_FRAME], m[G_NOW]
    m[cpu + C_PLAN] = 0
    if m[queue + Q_PLAN_FIRST] != NO_RUN:
        write_plan(m, queue)
    if m[frame + F_R2]:  # the plan ended with the slice of the run, in the middle of this packet
        keep_cost(m, queue, slot_of(m, queue, m[queue + Q_HEAD]), m[frame + F_R1])
    done_ns = serve_until(m, frame, queue, now_ns, now_ns)
    if m[frame + F_R2]:
        m[frame + F_LEFT] = done_ns - now_ns
    take_back_arrivals(m, queue, now_ns)


@compiled
def serve_until(m, frame, queue, time_ns, otherwise_ns):
    """Count as served only what is done by time_ns. Returns when the one in service will be done, otherwise_ns for none."""
    while m[frame + F_R1] > 0 and m[slot_of(m, queue, m[queue + Q_HEAD] - 1) + SLOT_DONE] > time_ns:
        m[queue + Q_HEAD] -= 1
        m[queue + Q_DELIVERED] -= 1
        m[frame + F_R1] -= 1
        m[frame + F_R2] = 1
        slot = slot_of(m, queue, m[queue + Q_HEAD])
        keep_cost(m, queue, slot, m[frame + F_R1])
        latency_ns = m[slot + SLOT_DONE] - m[slot + SLOT_ARRIVAL]
        m[queue + Q_LATENCY_SUM] -= latency_ns
        m[cell_of(m, queue, latency_ns)] -= 1
    return m[slot_of(m, queue, m[queue + Q_HEAD]) + SLOT_DONE] if m[frame + F_R2] else otherwise_ns


@compiled
def keep_cost(m, queue, slot, work):
    """A packet that is not begun yet will cost what it did in the plan; the first of a poll is in service already."""
    if m[queue + Q_COSTED] <= m[queue + Q_HEAD]:
        m[queue + Q_COSTED] = m[queue + Q_HEAD] + 1
    if work:
        m[slot + SLOT_COST] = m[slot + SLOT_DONE] - m[slot_of(m, queue, m[queue + Q_HEAD] - 1) + SLOT_DONE]


@compiled
def take_back_arrivals(m, queue, now_ns):
    """What came later, in the ring or lost, comes again."""
    while True:
        kept_ns = lost_ns = now_ns
        if m[queue + Q_TAIL] > m[queue + Q_HEAD]:
            kept_ns = m[slot_of(m, queue, m[queue + Q_TAIL] - 1) + SLOT_ARRIVAL]
        if m[queue + Q_LOST_COUNT]:
            lost_ns = m[m[queue + Q_LOST] + m[queue + Q_LOST_COUNT] - 1]
        if kept_ns <= now_ns and lost_ns <= now_ns:
            return
        if lost_ns >= kept_ns:
            m[queue + Q_LOST_COUNT] -= 1
            m[queue + Q_DROPPED] -= 1
        else:
            m[queue + Q_TAIL] -= 1
        m[queue + Q_OFFERED] -= 1
        m[queue + Q_REPLAY_FIRST] -= 1
        m[queue + Q_REPLAY_COUNT] += 1
        m[replay_place(m, queue)] = max(kept_ns, lost_ns)
