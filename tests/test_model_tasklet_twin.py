"""Tasklets on two CPUs against a slow twin, event by event."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from softirqtwin import COSTS, GRID
from taskletwin import DISABLE, ENABLE, SCHEDULE, run_twin, tasklet_model_of
from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model.table import event_table

pytestmark = pytest.mark.kernels
KINDS = vocab.EVENT_NAMES


def ns(most, least=0):
    return st.integers(least // GRID, most // GRID).map(lambda count: count * GRID)


@st.composite
def scenarios(draw):
    numbers = iter(range(1, GRID))

    def times():
        return sorted(GRID * time + next(numbers) for time in sorted(draw(st.sets(st.integers(0, 6000), min_size=1, max_size=4))))

    what = st.integers(SCHEDULE, SCHEDULE + 2)
    cpus = [[{"times": times(), "spend": draw(ns(3000)), "raises": draw(st.lists(what, min_size=1, max_size=3)), "wakes": None}
             for _ in range(draw(st.integers(1, 2)))] for _ in (0, 1)]  # fmt: skip
    if draw(st.booleans()):  # one disables, the other enables later
        one, first = draw(st.integers(0, 2)), GRID * draw(st.integers(0, 3000)) + next(numbers)
        last = first + GRID * draw(st.integers(1, 3000)) - first % GRID + next(numbers)
        for (time, base), cpu in zip(((first, DISABLE), (last, ENABLE)), draw(st.permutations((0, 1))), strict=True):
            cpus[cpu].append({"times": [time], "spend": 0, "raises": [base + one], "wakes": None})
    return {
        "hz": 100, "kernel": draw(st.sampled_from(("6.1", "6.12"))), "preempt": draw(st.sampled_from(("none", "full"))),
        "costs": {name: draw(ns(2000)) for name in COSTS} | {"softirq_entry": 320 + draw(ns(500))},
        "threadirqs": draw(st.booleans()), "cpus": cpus,
        "tasklets": [draw(ns(30_000)) for _ in range(3)], "actions": {}, "until_ns": 600_000,
    }  # fmt: skip


@settings(max_examples=60)
@given(scenarios())
def test_each_event_is_the_twins(scenario):
    logs, twins, undecided = run_twin(scenario)
    assume(not undecided)
    builder, tasklets = tasklet_model_of(scenario)
    world = builder.world(trace_rows=3000)
    world.run(scenario["until_ns"])
    table, addresses = event_table(world), [builder.memory[tasklet + f.TL_ADDRESS] for tasklet in tasklets]
    for cpu in (0, 1):
        found = [words(row, addresses) for row in rows(table, cpu)]
        expected = [(time, KINDS[kind], *rest) for time, kind, *rest in logs[cpu]]
        for at, (mine, other) in enumerate(zip(found, expected, strict=False)):
            assert mine == other, f"CPU {cpu}, event {at}, after {expected[max(0, at - 8) : at]}"
        assert len(found) == len(expected)
    assert [int(world.memory[tasklet + f.TL_RUNS]) for tasklet in tasklets] == [twin.runs for twin in twins]


def rows(table, cpu):
    columns = (table.time_ns, table.kind, table.pid, table.flags, table.preempt, table.a, table.b, table.c)
    return zip(*(column[table.cpu == cpu].tolist() for column in columns), strict=True)


def words(row, addresses):
    time, kind, pid, flags, preempt, a, b, c = row
    if kind in (vocab.TASKLET_ENTRY, vocab.TASKLET_EXIT):
        a, b = addresses.index(a), 0
    elif kind in (vocab.SCHED_WAKING, vocab.SCHED_WAKEUP):
        b = 0  # the CPU that it wakes on: the same
    return time, KINDS[kind], pid, flags, preempt, a, b, c
