"""PREEMPT_RT's bottom halves against a slow twin, event by event."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from modelprograms import at_times, program, run, times_of
from rttwin import RtTwin, rt_model_of
from softirqtwin import GRID, VECTORS
from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from twincompare import run_beside

pytestmark = pytest.mark.kernels
PLAIN = tuple(vector for vector in VECTORS if vector not in (vocab.HI, vocab.TASKLET))


def ns(most, least=0):
    return st.integers(least // GRID, most // GRID).map(lambda count: count * GRID)


@st.composite
def tasks(draw, priority, number):
    """Of FIFO, or a fair one (priority 0)."""
    raises = st.lists(st.sampled_from(PLAIN), max_size=2)
    section = [("run", draw(ns(60_000))), *(("raise", vector) for vector in draw(raises)), ("run", draw(ns(20_000)))]
    after = [("raise", vector) for vector in draw(raises)[:1]]
    before, sleep = ("run", 1024 + draw(ns(60_000))), ("sleep", draw(ns(200_000, 20_000)) + number)
    return {
        "fifo": priority, "nice": 0 if priority else draw(st.sampled_from((0, -3, 5))), "asleep": draw(st.booleans()),
        "steps": [before, ("bh_off",), *section, ("bh_on",), *after, sleep],
    }  # fmt: skip


@st.composite
def scenarios(draw):
    numbers = iter(range(8, GRID))
    lines = [
        {"times": [GRID * time + next(numbers) for time in sorted(draw(st.sets(st.integers(0, 30_000), min_size=1, max_size=6)))],
         "spend": draw(ns(10_000)), "raises": draw(st.lists(st.sampled_from(PLAIN), max_size=2)),
         "wakes": draw(st.lists(st.integers(0, 2), max_size=1))}
        for _ in range(draw(st.integers(1, 3)))
    ]  # fmt: skip
    return {
        "hz": draw(st.sampled_from((250, 1000))), "kernel": draw(st.sampled_from(("6.1", "6.12"))), "preempt": "rt",
        "costs": {name: draw(ns(1500)) for name in ("irq_entry", "irq_exit", "softirq_entry", "context_switch", "timer_tick")}
        | {"syscall": 0}, "lines": lines, "tasks": [draw(tasks(*which)) for which in ((10, 1), (20, 2), (20, 3), (0, 4), (0, 5))],
        "actions": {vector: {"spend": 64 * GRID + draw(ns(50_000)), "raises": draw(st.lists(st.sampled_from(PLAIN), max_size=1))}
                    for vector in PLAIN}, "until_ns": 2_500_000,
    }  # fmt: skip


def compare(scenario):
    """Whether the twin says who is first (two things at one moment it leaves open); asserts that the model is the same."""
    return run_beside(RtTwin(scenario), rt_model_of, scenario) is not None


@settings(max_examples=100)
@given(scenarios())
def test_each_event_is_the_twins(scenario):
    assume(compare(scenario))


def test_a_task_that_waits_for_the_lock_is_woken_by_nothing_else():
    # The low one has bottom halves off from 10 µs to 110 µs; the high one wants that at 20 µs; an interrupt wakes it at 50 µs
    builder = Builder(1, preempt="rt", threadirqs=True)
    for name, priority, before_ns, section_ns in (("low", 10, 10_000, 100_000), ("high", 20, 0, 5000)):
        steps = ((ops.OP_SPEND_NS, before_ns), (ops.OP_BH_OFF,), (ops.OP_SPEND_NS, section_ns), (ops.OP_BH_ON,), (ops.OP_EXIT,))
        code = program(builder, *steps)
        task = builder.task(name, 0, code, policy=f.FIFO, priority=priority, asleep=name == "high")
    at_times(builder, 24, [20_000, 50_000], (ops.OP_WAKE, task))
    _, table = run(builder, 1_000_000)
    assert times_of(table, vocab.SCHED_WAKING) == [20_000, 110_000]
    switched = table.kind == vocab.SCHED_SWITCH
    assert [(int(time), int(state)) for time, state in zip(table.time_ns[switched], table.b[switched], strict=True)] == [
        (0, 0), (20_000, 0), (20_000, 2), (110_000, 0x100), (115_000, 16), (115_000, 16),
    ]  # fmt: skip
