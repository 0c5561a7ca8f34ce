"""Small modules against slow twins: flags of events, draws of costs, latencies' cells, calls of other CPUs, messages between CPUs.

Twin of: trace, costs, latencies, latencycells, smpcall, ipi, lists.
"""

import bisect
import math
from statistics import NormalDist

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model import latencies
from tophalf.model.build import Builder
from tophalf.model.cpu.ipi import IPI_TIMERS, IPI_VECTORS, ipis_arrive, send_ipi
from tophalf.model.cpu.smpcall import call_on
from tophalf.model.ground.costs import cost
from tophalf.model.ground.latencycells import cell_of, shift_of
from tophalf.model.ground.lists import append, unlink
from tophalf.model.ground.queue import cancel
from tophalf.model.ground.trace import emit
from tophalf.model.irq.apic import is_latched
from tophalf.model.irq.builddevices import add_call

pytestmark = pytest.mark.kernels

# Flags: Documentation/trace/ftrace.rst, "irqs-off", "need-resched", "hardirq/softirq", "preempt-depth"; a row for each letter.
LETTERS = (
    # letter, mask of preempt_count, value there, bits of common_flags
    ("Z", 0xF00000, None, vocab.FLAG_NMI),
    ("h", 0xF0000, None, vocab.FLAG_HARDIRQ),
    ("s", 0x100, 0x100, vocab.FLAG_SOFTIRQ),
    ("b", 0xFF00, "even", vocab.FLAG_BH_OFF),
)


def flags_by_table(count, irqs_off, resched):
    bits = 0x01 * irqs_off | 0x24 * resched
    for _, mask, value, flag in LETTERS:
        part = count & mask
        if value == "even":
            bits |= flag * (part > 0 and not part & 0x100)
        else:
            bits |= flag * (part != 0)
    return bits


COUNTS = st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 2), st.integers(0, 1)).map(
    lambda parts: parts[0] + (parts[1] << 8) + (parts[2] << 16) + (parts[3] << 20)
)
LOCKS = {vocab.SCHED_SWITCH: 2, vocab.SCHED_WAKING: 2, vocab.SCHED_WAKEUP: 3}  # preempt_count by which they are told


@settings(max_examples=80)
@given(COUNTS, st.booleans(), st.booleans(), st.booleans(), st.sampled_from((vocab.IRQ_HANDLER_ENTRY, vocab.NAPI_POLL, *LOCKS)))
def test_flags_are_those_of_a_table(count, irqs_off, resched, idle, kind):
    builder = Builder(1)
    task = builder.task("app", 0, "idle", asleep=True)
    m, cpu = builder.world(trace_rows=100).memory, builder.cpus[0]
    m[cpu + f.C_PREEMPT_COUNT], m[cpu + f.C_IRQS_OFF], m[cpu + f.C_NEED_RESCHED] = count, int(irqs_off), int(resched)
    m[cpu + f.C_CURRENT] = m[cpu + f.C_IDLE] if idle else task
    emit(m, cpu, kind, 1, 2, 3, -1)
    found = int(m[m[f.G_TRACE] + 4])
    scheduler = kind in LOCKS
    depth = (count & 0xFF) + idle + LOCKS.get(kind, 0) - (idle and kind == vocab.SCHED_SWITCH)
    assert (found & 0xFF, found >> 8) == (flags_by_table(count, irqs_off or scheduler, resched), depth)


# Costs


class Stream:
    """xoroshiro64** of Blackman and Vigna, from two words."""

    def __init__(self, words):
        self.one, self.other = words

    def draw(self):
        def rotated(x, by):
            return (x << by | x >> 32 - by) & 0xFFFFFFFF

        found = rotated(self.one * 0x9E3779BB & 0xFFFFFFFF, 5) * 5 & 0xFFFFFFFF
        other = self.one ^ self.other
        self.one, self.other = rotated(self.one, 26) ^ other ^ (other << 9) & 0xFFFFFFFF, rotated(other, 13)
        return found


@settings(max_examples=30)
@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=30), st.integers(0, 1000))
def test_an_empirical_cost_is_the_value_at_the_share_that_was_drawn(values, seed):
    builder = Builder(seed)
    which = builder.cost(("empirical", sorted(values)), "test")
    m = builder.world().memory
    at = int(m[which + f.COST_RNG])
    stream = Stream([int(word) for word in m[at : at + 2]])
    for _ in range(20):
        share = stream.draw() / 2**32
        place = bisect.bisect_right([(i + 1) / len(values) for i in range(len(values))], share)
        assert int(cost(m, which)) == sorted(values)[place]


@pytest.mark.parametrize("mean, sigma", [(1000, 0.3), (50_000, 1.2)])
def test_a_lognormal_has_the_quantiles_of_one(mean, sigma):
    """Each of the table's values, against the distribution itself: the share of it below is the middle of the value's cell."""
    builder = Builder(1)
    which = builder.cost(("lognormal", mean, sigma), "test")
    m = builder.memory
    first, count = m[which + f.COST_TABLE], m[which + f.COST_COUNT]
    law = NormalDist(math.log(mean) - sigma**2 / 2, sigma)
    for index in range(count):
        value = m[first + index]
        assert law.cdf(math.log(value - 0.5)) <= (index + 0.5) / count <= law.cdf(math.log(value + 0.5))


# Latencies


@settings(max_examples=60)
@given(st.lists(st.integers(0, 1 << 36) | st.integers(0, 5000), min_size=1, max_size=60))
def test_percentiles_lie_in_the_cell_of_those_of_a_sorted_list(values):
    builder = Builder(1)
    queue = builder.queue("eth0", builder.irq(24), f.MODE_NAPI, 16, builder.cost(1, "packet"), ("times", []))
    m = builder.world().memory
    for value in values:
        m[cell_of(m, queue, value)] += 1
    first = int(m[queue + f.Q_HISTOGRAM])
    found = latencies.summary(m[first : first + f.HISTOGRAM_SIZE], len(values), sum(values), max(values))
    ordered = sorted(values)
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        if name in found:
            exact = ordered[min(len(ordered) - 1, max(0, -(-len(ordered) * int(share * 100) // 100) - 1))]
            width = 1 << int(shift_of(exact))
            assert abs(found[name] - exact) <= width, name
    assert found["max"] == ordered[-1]


# Lists, calls and messages


@settings(max_examples=20)
@given(st.permutations(range(6)), st.permutations(range(6)))
def test_what_is_taken_out_of_a_list_leaves_the_others_in_their_order(order, taken):
    builder = Builder(0)
    head, tail = builder.memory.take(1), builder.memory.take(1)
    items = [builder.memory.take(2) for _ in order]
    m = builder.world().memory
    for number in order:
        append(m, head, tail, items[number], 1)
    left = list(order)
    for number in taken:
        unlink(m, head, items[number], 1)
        left.remove(number)
        found, item = [], m[head]
        while item:
            found.append(items.index(item))
            item = m[item + 1]
        assert found == left


@settings(max_examples=60)
@given(st.lists(st.sampled_from("abcd") | st.just("arrive"), max_size=30))
def test_calls_wait_in_a_list_and_one_message_is_sent_for_all_of_them(steps):
    builder = Builder(1, cpus=2, costs={"ipi": 100})
    calls = {name: add_call(builder, builder.routines["nothing"]) for name in "abcd"}
    m, other = builder.world().memory, builder.cpus[1]
    waiting = []
    for step in steps:
        cancel(m, other + IPI_TIMERS[1])
        if step == "arrive":  # its handler takes the whole list
            m[other + f.C_CALLS] = 0
            for name in waiting:
                m[calls[name] + f.CSD_QUEUED] = 0
            waiting = []
        else:
            is_new = step not in waiting
            assert bool(call_on(m, other, calls[step])) == is_new
            assert bool(m[other + IPI_TIMERS[1] + f.T_SLOT]) == (not waiting)
            waiting += [step] * is_new
        assert linked(m, int(m[other + f.C_CALLS])) == [calls[name] for name in waiting]


def linked(m, item):
    found = []
    while item:
        found.append(item)
        item = int(m[item + f.CSD_NEXT])
    return found


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 400), st.sampled_from(IPI_VECTORS)), max_size=25))
def test_messages_under_way_are_one_for_each_vector(sends):
    """{vector: when the one under way arrives}; what is sent meanwhile arrives with it."""
    builder = Builder(1, cpus=2, costs={"ipi": 150})
    m, other = builder.world().memory, builder.cpus[1]
    m[other + f.C_IRQS_OFF] = 1  # so that what arrives stays where it can be counted
    under_way, waiting, now, timers = {}, set(), 0, dict(zip(IPI_VECTORS, IPI_TIMERS, strict=True))
    for gap, vector in sends:
        now += gap
        while under_way and min(under_way.values()) <= now:
            m[f.G_NOW] = min(under_way.values())
            first = min(under_way, key=under_way.get)
            cancel(m, other + timers[first])
            ipis_arrive(m, other, other + timers[first])
            come = {each for each in under_way if under_way[each] == m[f.G_NOW]}
            waiting |= come
            under_way = {each: time for each, time in under_way.items() if each not in come}
        under_way.setdefault(vector, now + 150)
        m[f.G_NOW] = now
        send_ipi(m, other, vector)
        armed = {each: int(m[other + at + f.T_TIME]) for each, at in timers.items() if m[other + at + f.T_SLOT]}
        assert armed == under_way
        assert {each for each in IPI_VECTORS if is_latched(m, other, each)} == waiting
