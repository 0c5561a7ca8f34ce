"""The network stack above NAPI against slow twins, event by event: on one CPU with readers, and across CPUs with RPS and RFS."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rpstwin import RpsTwin, rps_model_of
from softirqtwin import COSTS
from stacktwin import StackTwin, stack_model_of
from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model.net import stackfields as s
from tophalf.model.table import event_table
from twincompare import run_beside, same_ticks, words

pytestmark = pytest.mark.kernels
GRID = 64
HASHES = (0, 1, 7, 9, 0x4000_0001, 0x8000_0001, 0xC000_0009)


def ns(most):
    return st.integers(0, most // GRID).map(lambda count: count * GRID)


@st.composite
def queues(draw, numbers, rfs):
    """A queue; each of its times has a residue of its own modulo GRID."""
    times = sorted(draw(st.sets(st.integers(0, 3000), min_size=1, max_size=8)))
    bursts = [(GRID * time + next(numbers), draw(st.sampled_from((1, 2, 5, 9, 24)))) for time in times]
    usecs = draw(st.sampled_from((0, 0, 5_003)))
    return {
        "bursts": sorted(bursts), "ring": draw(st.sampled_from((3, 16, 64))), "usecs": usecs, "frames": 0, "itr": 0,
        "spend": draw(ns(2000)), "packet": GRID + draw(ns(1500)), "weight": draw(st.sampled_from((2, 4, 8, 16))),
        "poll": draw(ns(1500)), "defer": draw(st.sampled_from((0, 0, 1))), "flush": draw(st.sampled_from((0, 10_007, 50_023))),
        "hashes": draw(st.lists(st.sampled_from(HASHES), min_size=1, max_size=6)), "segments": draw(st.sampled_from((1, 1, 2, 5))),
        "truesize": draw(st.sampled_from((256, 768))), "protocol": draw(ns(3000)), "steer": draw(ns(300)),
        "rps": draw(st.booleans()), "rfs": 4 if rfs else 0,
    }  # fmt: skip


@st.composite
def scenarios(draw):
    numbers, rfs = iter(range(1, GRID)), draw(st.sampled_from((0, 0, 8)))
    reader = st.fixed_dictionaries({
        "rcvbuf": st.sampled_from((2304, 6000, 60_000)), "recv": ns(1000).map(lambda time: time + GRID),
        "run": ns(4000).map(lambda time: time + GRID), "batch": st.sampled_from((1, 1, 3)),
    })  # fmt: skip
    readers = draw(st.lists(reader, max_size=2))
    line = {"times": sorted(GRID * time + next(numbers) for time in draw(st.sets(st.integers(0, 3000), max_size=6))),
            "spend": draw(ns(2000)), "raises": draw(st.lists(st.just(vocab.BLOCK), max_size=1)),
            "wakes": draw(st.sampled_from((None, 0)))}  # fmt: skip
    task = {"priority": 10, "before": draw(ns(60_000)), "with_bh_off": draw(ns(30_000)), "raises": [], "raises_after": [],
            "after": draw(ns(30_000))}  # fmt: skip
    return {
        "hz": draw(st.sampled_from((250, 1000, 10_000))), "kernel": draw(st.sampled_from(("6.1", "6.12"))),
        "preempt": draw(st.sampled_from(("none", "full"))), "threadirqs": False,
        "costs": {name: draw(ns(1000)) for name in COSTS}, "lines": [line], "tasks": [task], "until_ns": 2_000_000,
        "actions": {vocab.BLOCK: {"spend": GRID + draw(ns(5000)), "raises": []}},
        "queues": [draw(queues(numbers, rfs)) for _ in range(draw(st.integers(1, 2)))],
        "budget": draw(st.sampled_from((6, 20, 300))),
        "sockets": [one | {"priority": 20 + 10 * at} for at, one in enumerate(readers)], "rfs": rfs,
        "max_backlog": draw(st.sampled_from((1, 4, 1000))), "dev_weight": draw(st.sampled_from((2, 64))),
        "flow_limit": draw(st.booleans()), "cuts": sorted(draw(st.sets(st.integers(1, 300_000), max_size=4))),
    }  # fmt: skip


def compare(scenario):
    """Whether the twin says who is first (two things at one moment it leaves open); asserts that the model is the same."""
    twin = StackTwin(scenario)
    found = run_beside(twin, stack_model_of, scenario)
    if found is None:
        return False
    world, (builder, model_queues) = found
    same_ticks(world, twin)
    m = world.memory
    assert int(m[builder.cpus[0] + f.C_SQUEEZED]) == twin.squeezed
    for queue, other in zip(model_queues, twin.queues, strict=True):
        sink = m[queue + f.Q_SINK]
        counts = [int(m[at]) for at in (queue + f.Q_DELIVERED, queue + f.Q_DROPPED, queue + f.Q_LATENCY_SUM,
                                        sink + s.X_BACKLOG_DROPPED, sink + s.X_SOCKET_DROPPED)]  # fmt: skip
        assert counts == [len(other.latencies), other.lost, sum(other.latencies), other.backlog_lost, other.socket_lost]
    for socket, other in zip(builder.sockets, twin.sockets, strict=True):
        told = [int(m[socket + field]) for field in (s.S_RMEM, s.S_DEFICIT, s.S_IN_DATAGRAMS, s.S_RCVBUF_ERRORS)]
        assert told == [other.memory, other.kept_back, other.read, other.errors]
    softnet = m[builder.cpus[0] + f.C_STACK]
    if softnet:
        told = [int(m[softnet + field]) for field in (s.SD_HEAD, s.SD_TAIL, s.SD_DROPPED, s.SD_LIMITED)]
        assert told == [twin.backlog.head, twin.backlog.tail, twin.backlog.dropped, twin.backlog.limited]
    return True


@settings(max_examples=100)
@given(scenarios())
def test_each_event_on_one_cpu_is_the_twins(scenario):
    assume(compare(scenario))


# Across CPUs


@st.composite
def rps_scenarios(draw):
    numbers, cpus, rfs = iter(range(1, GRID)), draw(st.integers(2, 4)), draw(st.sampled_from((0, 8)))
    some = st.lists(st.integers(0, cpus - 1), unique=True, max_size=cpus).map(sorted)
    queues = []
    for _ in range(draw(st.integers(1, 2))):
        times = sorted(draw(st.sets(st.integers(0, 2000), min_size=1, max_size=8)))
        queues.append({
            "cpu": draw(st.integers(0, cpus - 1)), "spend": draw(ns(1000)), "packet": GRID + draw(ns(500)),
            "protocol": draw(ns(3000)), "steer": draw(ns(300)), "weight": draw(st.sampled_from((2, 8, 64))), "rps": draw(some),
            "bursts": [(GRID * time + next(numbers), draw(st.sampled_from((1, 2, 9, 40, 220)))) for time in times],
            "hashes": draw(st.lists(st.sampled_from(HASHES), min_size=1, max_size=5)), "rfs": 4 if rfs else 0,
        })  # fmt: skip
    reads = st.tuples(st.integers(0, 2000).map(lambda time: GRID * time), st.sampled_from(HASHES[1:]), st.integers(0, cpus - 1))
    costs = {name: draw(ns(1000)) for name in ("irq_entry", "irq_exit", "softirq_entry")} | {"ipi": 7 + draw(ns(2000))}
    return {
        "cpus": cpus, "kernel": draw(st.sampled_from(("6.1", "6.12"))), "costs": costs, "queues": queues, "until_ns": 2_000_000,
        "max_backlog": draw(st.sampled_from((1, 6, 130, 1000))), "dev_weight": draw(st.sampled_from((3, 64))), "rfs": rfs,
        "limited": draw(some), "reads": sorted(draw(st.lists(reads, max_size=6 if rfs else 0))),
    }  # fmt: skip


def compare_rps(scenario):
    """As `compare`; the events of CPUs one by one."""
    twin = RpsTwin(scenario)
    expected = twin.run()
    if twin.undecided:
        return False
    builder = rps_model_of(scenario)
    world = builder.world(trace_rows=5000)
    for time_ns, hashed, cpu in scenario["reads"]:
        world.run(time_ns)
        _tell_read(world.memory, hashed, cpu)
    world.run(scenario["until_ns"])
    table, m = event_table(world), world.memory
    columns = (table.time_ns, table.cpu, table.kind, table.a, table.b, table.c)
    found = list(zip(*(column.tolist() for column in columns), strict=True))
    for at, (mine, twins) in enumerate(zip(found, expected, strict=False)):
        assert told(mine) == told(twins), f"event {at}, after {[told(event) for event in expected[max(0, at - 8) : at]]}"
    assert len(found) == len(expected)
    for queue, other in zip(builder.queues, twin.queues, strict=True):
        counts = [int(m[queue + f.Q_DELIVERED]), int(m[queue + f.Q_LATENCY_SUM]), int(m[m[queue + f.Q_SINK] + s.X_BACKLOG_DROPPED])]
        assert counts == [len(other.latencies), sum(other.latencies), other.lost]
    for cpu, other in zip(builder.cpus, twin.cpus, strict=True):
        softnet = m[cpu + f.C_STACK]
        if softnet:
            counts = [int(m[softnet + field]) for field in (s.SD_HEAD, s.SD_TAIL, s.SD_DROPPED, s.SD_RECEIVED_RPS, s.SD_LIMITED)]
            assert counts == [other.head, other.tail, other.dropped, other.received, other.limited]
        assert int(m[cpu + f.C_PROCESSED]) == other.processed
    return True


def _tell_read(m, hashed, cpu):
    stack = m[f.G_STACK]
    mask = m[stack + s.ST_CPU_MASK]
    m[m[stack + s.ST_SOCK_TABLE] + (hashed & m[stack + s.ST_SOCK_MASK])] = hashed & ~mask | cpu


def told(event):
    time_ns, cpu, *rest = event
    return (cpu, *words((time_ns, *rest)))


@settings(max_examples=100)
@given(rps_scenarios())
def test_each_event_across_cpus_is_the_twins(scenario):
    assume(compare_rps(scenario))
