"""Shared level lines, ONESHOT and threads against a slow twin, event by event."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from irqtwin import IrqTwin, irq_model_of
from softirqtwin import GRID
from twincompare import run_beside

pytestmark = pytest.mark.kernels


def ns(most, least=0):
    return st.integers(least // GRID, most // GRID).map(lambda count: count * GRID)


@st.composite
def scenarios(draw):
    numbers = iter(range(8, GRID))

    def times():
        chosen = sorted(draw(st.sets(st.integers(0, 20_000), min_size=1, max_size=5)))
        return sorted(GRID * time + next(numbers) for time in chosen)

    shared = [
        {"flow": draw(st.sampled_from(("level", "fasteoi", "edge"))), "threaded": draw(st.booleans()),
         "devices": [{"times": times()[:3], "handler": draw(ns(20_000)), "thread": draw(ns(60_000, GRID))}
                     for _ in range(draw(st.integers(1, 2)))]}
        for _ in range(draw(st.integers(1, 2)))
    ]  # fmt: skip
    lines = [{"times": times()[:2], "spend": draw(ns(10_000)), "wakes": [0]}]
    task = {"fifo": draw(st.sampled_from((0, 10, 60))), "nice": 0, "asleep": draw(st.booleans()),
            "steps": [("run", draw(ns(200_000, 60_000))), ("syscall", [("run", draw(ns(100_000))), ("cond_resched",)]),
                      ("sleep", 101_003)]}  # fmt: skip
    return {
        "hz": draw(st.sampled_from((250, 1000))), "kernel": draw(st.sampled_from(("6.1", "6.12"))),
        "preempt": draw(st.sampled_from(("none", "full"))),
        "costs": {name: draw(ns(1500)) for name in ("irq_entry", "irq_exit", "context_switch", "timer_tick", "syscall")}
        | {"softirq_entry": 0}, "lines": lines, "tasks": [task], "shared": shared, "until_ns": 3_000_000,
    }  # fmt: skip


def compare(scenario):
    """Whether the twin says who is first (two things at one moment it leaves open); asserts that the model is the same."""
    return run_beside(IrqTwin(scenario), irq_model_of, scenario) is not None


@settings(max_examples=150)
@given(scenarios())
def test_each_event_is_the_twins(scenario):
    assume(compare(scenario))
