"""A receive queue against a slow, obvious twin, packet by packet; and the cells that latencies are counted in."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modelprograms import program
from modelworlds import TICKLESS, add_napi
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.ground.latencycells import shift_of
from tophalf.model.net.nicdraw import SPILT, serve_drawn
from tophalf.model.summary import digest

pytestmark = pytest.mark.kernels
WEIGHT = 64
END_NS = 60_000


class Ring:
    """What a NIC does, one packet at a time: arrivals in order, a slot until the packet is done, the rest lost."""

    def __init__(self, times, size):
        self.coming, self.size, self.waiting, self.lost, self.latencies = list(times), size, [], 0, []

    def admit(self, now_ns, at_that_time_too=True):
        while self.coming and (self.coming[0] < now_ns or at_that_time_too and self.coming[0] == now_ns):
            arrival = self.coming.pop(0)
            if len(self.waiting) < self.size:
                self.waiting.append(arrival)
            else:
                self.lost += 1

    def serve(self, now_ns, cost_ns):
        """One packet; it holds its slot until it is done. Returns when that is."""
        done_ns = now_ns + cost_ns
        self.admit(done_ns, at_that_time_too=False)
        self.latencies.append(done_ns - self.waiting.pop(0))
        return done_ns


def twin(times, size, entry_ns, exit_ns, poll_ns, packet_ns):
    """A queue that NAPI polls, on a CPU with nothing else to do."""
    ring, now_ns = Ring(times, size), 0
    while ring.coming or ring.waiting:
        ring.admit(now_ns)
        if not ring.waiting:
            now_ns = max(now_ns, ring.coming[0])
            ring.admit(now_ns)
        now_ns += entry_ns + exit_ns
        work = WEIGHT
        while work == WEIGHT:
            now_ns, work = now_ns + poll_ns, 0
            ring.admit(now_ns)
            while ring.waiting and work < WEIGHT:
                now_ns, work = ring.serve(now_ns, packet_ns), work + 1
                ring.admit(now_ns)
    return ring


GAPS = st.lists(st.sampled_from([0, 1, 50, 90, 100, 110, 400, 5_000]), min_size=1, max_size=300)
COSTS = st.tuples(st.sampled_from([0, 200]), st.sampled_from([0, 150]), st.sampled_from([0, 300]), st.sampled_from([1, 100, 130]))


@settings(deadline=None, max_examples=60)
@given(GAPS, st.sampled_from([1, 4, 16, 512]), COSTS, st.integers(1, 6))
def test_packets_fare_as_in_the_twin(gaps, size, costs, slices):
    times = [sum(gaps[: at + 1]) for at in range(len(gaps))]
    entry_ns, exit_ns, poll_ns, packet_ns = costs
    builder = Builder(1, nohz=TICKLESS, costs={"irq_entry": entry_ns, "irq_exit": exit_ns})
    queue = add_napi(builder, 24, "eth0", times, packet_ns, "times", ring=size, poll=poll_ns)
    world, end_ns = builder.world(), times[-1] + len(times) * 1_000 + 10_000
    for part in range(slices):
        world.run(end_ns * (part + 1) // slices)
    m, ring = world.memory, twin(times, size, *costs)
    assert (m[queue + f.Q_DELIVERED], m[queue + f.Q_DROPPED]) == (len(ring.latencies), ring.lost)
    assert m[queue + f.Q_LATENCY_SUM] == sum(ring.latencies)
    assert m[queue + f.Q_LATENCY_MAX] == max(ring.latencies)


RATES = st.sampled_from([3, 700_000, 1_000_000, 7_777_777, 12_345_679, 90_000_001])
QUEUES = st.lists(st.tuples(RATES, st.sampled_from([1, 7, 64, 512]), st.sampled_from([0, 1, 37, 60, 200])), min_size=1, max_size=3)


@settings(deadline=None, max_examples=40)
@example([(700_000, 1, 0), (90_000_001, 7, 200)], {}, 2, 0)  # more lost in a poll than a plan can remember
@example([(3, 1, 0), (7_777_777, 7, 200), (90_000_001, 1, 0)], {}, 3, 74)  # and before the poll begins
@given(QUEUES, st.sampled_from([{}, {"rx_usecs": 3}, {"rx_frames": 5}]), st.integers(1, 4), st.integers(0, 500))
def test_a_constant_rate_is_as_good_as_its_list_of_times(queues, coalescing, slices, entry_ns):
    """Queues that interrupt one another's polls; a list of times is worked out packet by packet, a rate in runs (nicrun)."""

    def world(in_words):
        builder = Builder(1, costs={"irq_entry": entry_ns, "irq_exit": 60})
        for number, (rate, size, packet_ns) in enumerate(queues):
            arrivals = [at * 10**9 // rate for at in range(END_NS * rate // 10**9 + 2)] if in_words else rate
            kind = "times" if in_words else "constant"
            queue = add_napi(builder, 24 + number, f"eth{number}", arrivals, packet_ns, kind, ring=size, poll=100)
            builder.memory[queue + f.Q_USECS_NS] = coalescing.get("rx_usecs", 0) * 1000
            builder.memory[queue + f.Q_FRAMES] = coalescing.get("rx_frames", 0)
        return builder.world()

    runs, listed = world(False), world(True)
    for part in range(slices):
        runs.run(END_NS * (part + 1) // slices)
    listed.run(END_NS)
    assert digest(runs) == digest(listed)


POISSON_RATES = st.sampled_from([700_000, 7_777_777, 14_000_000, 30_000_001, 90_000_001])
POISSON_RINGS = st.sampled_from([1, 7, 40, 64, 150, 512])
POISSON_QUEUES = st.lists(st.tuples(POISSON_RATES, POISSON_RINGS, st.sampled_from([0, 1, 37, 60, 200])), min_size=1, max_size=3)


def drawn_times(queues):
    """When the packets of Poisson queues arrive, a list for each: none is served, for the first interrupt never ends."""
    builder, end_ns = Builder(1, costs={"irq_entry": 10 * END_NS}), END_NS + 10_000
    added = [add_napi(builder, 24 + at, f"eth{at}", queue[0], 1, "poisson", ring=1 << 14) for at, queue in enumerate(queues)]
    world = builder.world()
    world.run(end_ns)
    m = world.memory
    return [[int(m[m[at + f.Q_RING] + slot * f.SLOT_SIZE + f.SLOT_ARRIVAL]) for slot in range(m[at + f.Q_TAIL])] for at in added]


@settings(deadline=None, max_examples=20)
@given(POISSON_QUEUES, st.integers(1, 4), st.integers(0, 500))
def test_drawn_arrivals_are_as_good_as_their_list_of_times(queues, slices, entry_ns):
    """Of a rate a poll draws packets as it serves them (nicdraw); rings of 40 and 64 may be found full only afterwards."""

    def world(all_arrivals, kind):
        builder = Builder(1, costs={"irq_entry": entry_ns, "irq_exit": 60})
        for number, ((_, size, packet_ns), arrivals) in enumerate(zip(queues, all_arrivals, strict=True)):
            add_napi(builder, 24 + number, f"eth{number}", arrivals, packet_ns, kind, ring=size, poll=100)
        return builder.world()

    drawn, listed = world([rate for rate, _, _ in queues], "poisson"), world(drawn_times(queues), "times")
    for part in range(slices):
        drawn.run(END_NS * (part + 1) // slices)
        listed.run(END_NS * (part + 1) // slices)
    assert digest(drawn) == digest(listed)


@pytest.mark.parametrize("size", [1, 20, 40])
def test_a_poll_that_finds_the_ring_full_afterwards_changes_nothing_but_slots(size):
    # size 1: it serves the one slot's worth; 20, 40: it serves so many, or more come after the last
    builder = Builder(1, nohz=TICKLESS)
    queue = add_napi(builder, 24, "eth0", 14_000_000, 1, "poisson", ring=size)
    world = builder.world()
    world.run(END_NS)
    m, now_ns = world.memory, world.now_ns + 1_000_000
    before = [int(word) for word in m]
    assert serve_drawn(m, m[builder.cpus[0] + f.C_FRAME], queue, WEIGHT, now_ns) == SPILT
    ring = m[queue + f.Q_RING]
    slots = range(ring, ring + (m[queue + f.Q_SLOT_MASK] + 1) * f.SLOT_SIZE)
    assert [at for at, word in enumerate(m) if word != before[at] and at not in slots] == []


@given(st.integers(0, 1 << 45))
def test_latencies_are_counted_within_a_64th(latency_ns):
    shift = int(shift_of(latency_ns))
    scaled = latency_ns >> shift
    assert 0 <= shift <= f.SHIFT_MAX
    if latency_ns < 1 << 39:
        assert scaled < 2 << f.CELL_BITS and (shift == 0 or scaled >= 1 << f.CELL_BITS)
    assert (shift << f.CELL_BITS) + min(scaled, (2 << f.CELL_BITS) - 1) < f.HISTOGRAM_SIZE


def test_a_packet_that_waited_for_an_hour_is_counted_in_the_last_cell():
    builder = Builder(1, nohz=TICKLESS)
    queue = add_napi(builder, 24, "eth0", [5], 100, "times")
    off, on = (ops.OP_DISABLE_IRQ, builder.irqs[24]), (ops.OP_ENABLE_IRQ, builder.irqs[24])
    builder.task("task", 0, program(builder, off, (ops.OP_SLEEP, 3600 * 10**9), on, (ops.OP_EXIT,)))
    world = builder.world()
    world.run(3601 * 10**9)
    m = world.memory
    cells = m[m[queue + f.Q_HISTOGRAM] : m[queue + f.Q_HISTOGRAM] + f.HISTOGRAM_SIZE]
    assert m[queue + f.Q_DELIVERED] == 1 and [int(cell) for cell in cells].index(1) == f.HISTOGRAM_SIZE - 1


@pytest.mark.parametrize("step_ns", [7_001, 50_000, 333_333])
def test_a_slice_that_ends_within_a_packet_draws_no_cost_twice(step_ns):
    # the plan ends with the slice, in the middle of a packet, and is interrupted from packets before it on
    def world():
        builder = Builder(3, costs={"irq_entry": 300})
        for number, rate in enumerate((180_000, 40_000)):
            add_napi(builder, 24 + number, f"eth{number}", rate, ("exponential", 4000), "poisson", ring=64)
        return builder.world()

    whole, sliced = world(), world()
    whole.run(5_000_000)
    for end_ns in (*range(step_ns, 5_000_000, step_ns), 5_000_000):
        sliced.run(end_ns)
    assert digest(sliced) == digest(whole)
