"""NAPI and the signals of receive queues against a slow twin, event by event; and what that found."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from modelprograms import at_times, run, times_of
from modelworlds import add_napi
from napitwin import NapiTwin, napi_model_of
from softirqtwin import COSTS
from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from twincompare import run_beside, same_ticks

pytestmark = pytest.mark.kernels
GRID = 64


def ns(most):
    return st.integers(0, most // GRID).map(lambda count: count * GRID)


@st.composite
def queues(draw, numbers):
    """A queue; each of its times has a residue of its own modulo GRID."""
    times = sorted(draw(st.sets(st.integers(0, 3000), min_size=1, max_size=8)))
    bursts = [(GRID * time + next(numbers), draw(st.sampled_from((1, 1, 2, 5, 9, 24)))) for time in times]
    usecs = draw(st.sampled_from((0, 0, 5_003, 30_011)))
    return {
        "bursts": sorted(bursts), "ring": draw(st.sampled_from((3, 16, 64))), "usecs": usecs,
        "frames": draw(st.sampled_from((0, 1, 3, 8))) if usecs else draw(st.sampled_from((0, 1))),
        "itr": draw(st.sampled_from((0, 0, 20_021))), "spend": draw(ns(2000)), "packet": GRID + draw(ns(1500)),
        "weight": draw(st.sampled_from((2, 4, 8))), "poll": draw(ns(1500)), "defer": draw(st.sampled_from((0, 0, 1, 2))),
        "flush": draw(st.sampled_from((0, 10_007, 50_023))),
    }  # fmt: skip


@st.composite
def scenarios(draw):
    numbers = iter(range(1, GRID))
    given_queues = [draw(queues(numbers)) for _ in range(draw(st.integers(1, 4)))]
    wanted = st.sampled_from([*range(100, 100 + len(given_queues)), vocab.BLOCK])
    lines = [
        {"times": sorted(GRID * time + next(numbers) for time in draw(st.sets(st.integers(0, 3000), max_size=6))),
         "spend": draw(ns(2000)), "raises": draw(st.lists(wanted, max_size=3)), "wakes": draw(st.sampled_from((None, None, 0)))}
        for _ in range(draw(st.integers(0, 2)))
    ]  # fmt: skip
    task = {"priority": 10, "before": draw(ns(60_000)), "with_bh_off": draw(ns(30_000)), "raises": [], "raises_after": [],
            "after": draw(ns(30_000))}  # fmt: skip
    return {
        "hz": draw(st.sampled_from((250, 10_000))), "kernel": draw(st.sampled_from(("6.1", "6.12"))),
        "preempt": draw(st.sampled_from(("none", "full"))), "threadirqs": False,
        "costs": {name: draw(ns(1000)) for name in COSTS}, "lines": lines, "tasks": [task], "until_ns": 2_000_000,
        "actions": {vocab.BLOCK: {"spend": GRID + draw(ns(5000)), "raises": []}},
        "queues": given_queues, "budget": draw(st.sampled_from((6, 20, 300))),
        "cuts": sorted(draw(st.sets(st.integers(1, 300_000), max_size=4))),
    }  # fmt: skip


def compare(scenario, twins=NapiTwin, model_of=napi_model_of):
    """Whether the twin says who is first (two things at one moment it leaves open); asserts that the model is the same."""
    twin = twins(scenario)
    found = run_beside(twin, model_of, scenario)
    if found is None:
        return False
    world, (builder, model_queues) = found
    same_ticks(world, twin)
    m = world.memory
    assert int(m[builder.cpus[0] + f.C_SQUEEZED]) == twin.squeezed
    for queue, other in zip(model_queues, twin.queues, strict=True):
        counts = [int(m[queue + field]) for field in (f.Q_DELIVERED, f.Q_DROPPED, f.Q_LATENCY_SUM)]
        assert counts == [len(other.latencies), other.lost, sum(other.latencies)]
    return True


@settings(max_examples=150)
@given(scenarios())
def test_each_event_is_the_twins(scenario):
    assume(compare(scenario))


# What it found, one by one


def two_queues(kernel="6.12", budget=300, times=((1000,), (1100,)), weight=64, extra=()):
    """Queues whose packets take 1 µs each; `extra`: (irq, ns, number of the queue its handler schedules). (World, table)."""
    builder = Builder(1, kernel=kernel)
    builder.memory[f.G_NETDEV_BUDGET] = budget
    for number, arrivals in enumerate(times):
        queue = add_napi(builder, 30 + number, f"eth{number}", arrivals, 1000, "times")
        builder.memory[builder.memory[queue + f.Q_NAPI] + f.N_WEIGHT] = weight
    for irq, time_ns, number in extra:
        at_times(builder, irq, [time_ns], (ops.OP_NAPI_SCHEDULE, builder.napis[number]))
    return run(builder, 1_000_000)


@pytest.mark.parametrize("kernel", ["6.1", "6.12"])
def test_one_that_joins_again_while_it_is_polled_leaves_the_others_their_turn(kernel):
    # Queue 0 keeps the CPU until 4 µs; then 1 and 2 are polled; 1 is scheduled once more in its poll and is polled again after 2
    times = [[1000, 1000, 1000], [1100], [1200]]
    world, table = two_queues(kernel, times=times, extra=[(24, 4500, 1)])
    assert table.b[table.kind == vocab.NAPI_POLL].tolist() == [3, 1, 1, 0]
    assert [int(world.memory[napi + f.N_STATE]) for napi in world.builder.napis] == [0, 0, 0]


def test_when_the_budget_is_used_up_what_joined_meanwhile_waits_for_another_softirq():
    # Nothing is left of the list, but the budget is: 6.12 does not begin anew, it raises NET_RX
    _, table = two_queues(budget=2, times=[[1000, 1000], [1500]])
    assert times_of(table, vocab.SOFTIRQ_ENTRY) == [1000, 3000]
    assert times_of(table, vocab.SOFTIRQ_RAISE) == [1000, 3000]


@pytest.mark.parametrize("kernel, raises", [("6.1", [1000, 1100]), ("6.12", [1000])])
def test_what_joins_in_a_poll_raises_once_in_6_1_and_is_found_in_6_12(kernel, raises):
    _, table = two_queues(kernel)
    assert times_of(table, vocab.SOFTIRQ_RAISE) == raises
    assert times_of(table, vocab.NAPI_POLL) == [2000, 3000]


def test_what_was_lost_in_a_plan_may_find_room_when_an_interrupt_delays_it():
    # Undisturbed: done at 2000 and 3000, so that 2600 finds no room. Delayed by 1000, 2500 does not, and 2600 still not; 3100 does
    builder = Builder(1)
    queue = add_napi(builder, 30, "eth0", [1000, 1100, 2100, 2200, 2900, 3050], 1000, "times", ring=2)
    at_times(builder, 24, [1500], (ops.OP_SPEND_NS, 1000))
    world, _ = run(builder, 20_000)
    # Slots are free from 3000 (first done) on: 2100, 2200 and 2900 are lost, 3050 is not
    assert [int(world.memory[queue + field]) for field in (f.Q_DELIVERED, f.Q_DROPPED)] == [3, 3]


def test_a_packet_in_service_holds_its_slot_also_while_its_poll_is_interrupted():
    builder = Builder(1)
    queue = add_napi(builder, 30, "eth0", [1000, 1500], 1000, "times", ring=1)
    at_times(builder, 24, [1200], (ops.OP_SPEND_NS, 100))
    world, _ = run(builder, 10_000)
    assert [int(world.memory[queue + field]) for field in (f.Q_DELIVERED, f.Q_DROPPED)] == [1, 1]
