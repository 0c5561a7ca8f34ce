"""Threads of NAPI and tasks that busy poll against a slow twin, event by event."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pollertwin import PollerTwin, poller_model_of
from test_model_napi_twin import GRID, compare, scenarios

pytestmark = pytest.mark.kernels


@st.composite
def polled(draw):
    """A scenario of napitwin's, some of its queues with threads, some with a reader."""
    scenario = draw(scenarios())
    priorities = iter(draw(st.permutations(range(1, 9))))  # the plain task has 10
    for queue in scenario["queues"]:
        queue["fifo"] = next(priorities) + draw(st.sampled_from((0, 20))) if draw(st.booleans()) else 0
    scenario["readers"] = [
        {"queue": draw(st.integers(0, len(scenario["queues"]) - 1)), "priority": next(priorities) + draw(st.sampled_from((0, 40))),
         "usecs": draw(st.sampled_from((0, 3, 50))), "prefer": draw(st.booleans()), "budget": draw(st.sampled_from((1, 3, 8))),
         "loop": GRID * draw(st.integers(4, 30)), "work": GRID * draw(st.integers(10, 200))}
        for _ in range(draw(st.integers(0, 2)))
    ]  # fmt: skip
    scenario["until_ns"] = 300_000
    return scenario


@settings(max_examples=100)
@given(polled())
def test_each_event_is_the_twins(scenario):
    assume(compare(scenario, PollerTwin, poller_model_of))
