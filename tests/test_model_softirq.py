"""Softirqs: against a slow twin, event by event; the rules of a raise, of passes and of ksoftirqd one by one; the laws."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softirqtwin import COSTS, GRID, VECTORS, Twin, model_of
from tophalf import vocab
from tophalf.judge import laws
from tophalf.model import fields as f
from tophalf.model.table import event_table

pytestmark = pytest.mark.kernels
KINDS = vocab.EVENT_NAMES


def ns(most):
    return st.integers(0, most // GRID).map(lambda count: count * GRID)


def some(most=2):
    return st.lists(st.sampled_from(VECTORS), max_size=most, unique=True)


@st.composite
def scenarios(draw):
    numbers = iter(range(1, GRID))  # a residue for each arrival
    times = st.lists(st.integers(0, 200_000), min_size=1, max_size=8)
    lines = [
        {"times": sorted(GRID * time + next(numbers) for time in draw(times)), "spend": draw(ns(40_000)), "raises": draw(some(3)),
         "wakes": draw(st.none() | st.integers(0, 1))}
        for _ in range(draw(st.integers(1, 3)))
    ]  # fmt: skip
    tasks = [
        {"priority": priority, "before": draw(ns(60_000)), "with_bh_off": draw(ns(60_000)), "raises": draw(some()),
         "raises_after": draw(some(1)), "after": draw(ns(60_000))}
        for priority in (10, 20)
    ]  # fmt: skip
    return {
        "hz": draw(st.sampled_from((100, 250, 1000))), "kernel": draw(st.sampled_from(("6.1", "6.12"))),
        "preempt": draw(st.sampled_from(("none", "voluntary", "full"))), "threadirqs": draw(st.booleans()),
        "costs": {name: draw(ns(2000)) for name in COSTS}, "lines": lines, "tasks": tasks, "until_ns": 8_000_000,
        "actions": {vector: {"spend": GRID + draw(ns(50_000)), "raises": draw(some())} for vector in VECTORS},
    }  # fmt: skip


def events_of(scenario):
    """What the model traces of a scenario, as the twin tells it."""
    world = model_of(scenario).world(trace_rows=3000)
    world.run(scenario["until_ns"])
    table = event_table(world)
    columns = (table.time_ns, table.kind, table.pid, table.flags, table.preempt, table.a, table.b, table.c)
    return list(zip(*(column.tolist() for column in columns), strict=True)), world, table


def words(event):
    return (event[0], KINDS[event[1]], *event[2:])


@settings(max_examples=150)
@given(scenarios())
def test_each_event_is_the_twins(scenario):
    found, world, table = events_of(scenario)
    expected = Twin(scenario).run()
    for at, (mine, twins) in enumerate(zip(found, expected, strict=False)):
        assert words(mine) == words(twins), f"event {at}, after {[words(event) for event in expected[max(0, at - 6) : at]]}"
    assert len(found) == len(expected)
    broken = [verdict.law.name for verdict in laws.judge(table, False) if not verdict.holds]
    assert not broken
    cpu = world.builder.cpus[0]
    assert sum(int(world.memory[cpu + f.C_TIMES + part]) for part in range(f.CLASSES)) == scenario["until_ns"]
