"""The scheduler against a slow twin, event by event: who runs when, in both kernels; and what that found."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from modelprograms import at_times, busy, program, run, times_of
from schedtwin import SchedTwin, sched_model_of
from softirqtwin import GRID
from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from twincompare import run_beside, same_ticks

pytestmark = pytest.mark.kernels


def ns(most, least=0):
    return st.integers(least // GRID, most // GRID).map(lambda count: count * GRID)


@st.composite
def in_the_kernel(draw, others, most):
    inside = st.one_of(
        st.tuples(st.just("run"), ns(most)), st.tuples(st.just("wake"), st.integers(0, others - 1)), st.just(("cond_resched",)),
    )  # fmt: skip
    steps = draw(st.lists(inside, max_size=4))
    if draw(st.booleans()):
        steps = [("off",), *(step for step in steps if step[0] != "cond_resched"), ("on",), ("run", draw(ns(most)))]
    return "syscall", steps


@st.composite
def tasks(draw, others, number):
    """A task; what it sleeps has a residue of its own. One of FIFO leaves the CPU to others."""
    fifo = draw(st.sampled_from((0, 0, 0, 1, 2)))
    most, sleep = 400_000 if fifo else 9_000_000, ns(8_000_000, 1000).map(lambda time: time + number)
    step = st.one_of(
        st.tuples(st.just("run"), ns(most, GRID)), st.tuples(st.just("sleep"), sleep), st.just(("block",)),
        in_the_kernel(others, most // 4),
    )  # fmt: skip
    steps = [("run", draw(ns(most, 60_000))), *draw(st.lists(step, min_size=1, max_size=4)), *[("sleep", draw(sleep))] * (fifo > 0)]
    nice = draw(st.sampled_from((0, 0, -5, 3, 10, 19)))
    return {"fifo": fifo, "nice": 0 if fifo else nice, "asleep": draw(st.booleans()), "steps": steps}


COSTS = ("irq_entry", "irq_exit", "context_switch", "timer_tick", "syscall", "cache_cold")


@st.composite
def scenarios(draw):
    count, numbers = draw(st.integers(1, 5) | st.integers(8, 10)), iter(range(8, GRID))
    lines = [
        {"times": sorted(GRID * time + next(numbers) for time in draw(st.sets(st.integers(0, 900_000), max_size=9))),
         "spend": draw(ns(2000)), "wakes": draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=2))}
        for _ in range(draw(st.integers(0, 2)))
    ]  # fmt: skip
    return {
        "hz": draw(st.sampled_from((100, 250, 1000))), "kernel": draw(st.sampled_from(("6.1", "6.12", "6.12"))),
        "preempt": draw(st.sampled_from(("none", "voluntary", "full"))),
        "costs": {name: draw(ns(2000)) for name in COSTS}
        | {"softirq_entry": 0}, "lines": lines, "tasks": [draw(tasks(count, 1 + number)) for number in range(count)],
        "until_ns": 40_000_000, "cuts": sorted(draw(st.sets(st.integers(1, 40_000_000), max_size=3))),
    }  # fmt: skip


def compare(scenario):
    """Whether the twin says who is first (two things at one moment it leaves open); asserts that the model is the same."""
    twin = SchedTwin(scenario)
    found = run_beside(twin, sched_model_of, scenario)
    if found is None:
        return False
    world, builder = found
    same_ticks(world, twin)
    ran = [int(world.memory[task + f.K_RUNTIME]) for pid, task in builder.tasks.items() if pid >= 1000]
    assert ran == [task.ran for task in twin.tasks]
    return True


@settings(max_examples=150)
@given(scenarios())
def test_each_event_is_the_twins(scenario):
    assume(compare(scenario))


# What it found, one by one


def pid(builder, task):
    return int(builder.memory[task + f.K_PID])


def test_fifo_tasks_of_one_priority_run_in_the_order_in_which_they_woke():
    builder = Builder(1)
    code = program(builder, (ops.OP_SPEND_NS, 100_000), (ops.OP_BLOCK, f.SLEEPING), (ops.OP_JUMP, "start"))
    first, second = (builder.task(name, 0, code, policy=f.FIFO, priority=5, asleep=True) for name in ("first", "second"))
    at_times(builder, 24, [1000], (ops.OP_WAKE, first), (ops.OP_WAKE, second))
    _, table = run(builder, 1_000_000)
    assert times_of(table, vocab.SCHED_SWITCH, a=pid(builder, first)) == [1000]
    assert times_of(table, vocab.SCHED_SWITCH, a=pid(builder, second)) == [101_000]


def test_a_fifo_task_that_is_preempted_goes_on_before_its_equals():
    builder = Builder(1)
    code = program(builder, (ops.OP_SPEND_NS, 100_000), (ops.OP_BLOCK, f.SLEEPING), (ops.OP_JUMP, "start"))
    first, second = (builder.task(name, 0, code, policy=f.FIFO, priority=5, asleep=True) for name in ("first", "second"))
    high = builder.task("high", 0, code, policy=f.FIFO, priority=6, asleep=True)
    at_times(builder, 24, [1000], (ops.OP_WAKE, first), (ops.OP_WAKE, second))
    at_times(builder, 25, [51_000], (ops.OP_WAKE, high))
    _, table = run(builder, 1_000_000)
    order = table.a[table.kind == vocab.SCHED_SWITCH].tolist()
    assert order == [pid(builder, task) for task in (first, high, first, second)] + [0]


def test_a_task_woken_early_does_not_keep_its_timer():
    # It sleeps to 1 ms, is woken at 0.1 ms and then waits to be woken: nobody does
    builder = Builder(1)
    task = builder.task("app", 0, program(builder, (ops.OP_SLEEP, 1_000_000), (ops.OP_BLOCK, f.SLEEPING), (ops.OP_JUMP, "start")))
    at_times(builder, 24, [100_000], (ops.OP_WAKE, task))
    _, table = run(builder, 5_000_000)
    assert times_of(table, vocab.SCHED_WAKING) == [100_000]


def test_a_wakeup_sees_that_a_slice_is_over_whoever_wakes():
    # HZ=100. The first has had its slice of 0.7 ms at 1 ms: the third that wakes is no better than the second, but looks
    builder = Builder(1, hz=100)
    busy(builder, "first")
    busy(builder, "second")
    third = busy(builder, "third", priority=19, asleep=True)
    at_times(builder, 24, [1_000_000], (ops.OP_WAKE, third))
    world, table = run(builder, 5_000_000)
    assert times_of(table, vocab.SCHED_SWITCH)[:2] == [0, 1_000_000]
    assert table.a[table.kind == vocab.SCHED_SWITCH].tolist()[1] == 1003

