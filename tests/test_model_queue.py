"""The event queue against a sorted list.

Twin of: queue.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tophalf.model.fields import G_HEAP, G_HEAP_COUNT, G_SIZE, NEVER, T_SLOT, T_TIME, TIMER_SIZE
from tophalf.model.ground import queue

pytestmark = pytest.mark.kernels
TIMERS = 12
STEPS = st.lists(st.tuples(st.sampled_from(["arm", "cancel", "pop"]), st.integers(0, TIMERS - 1), st.integers(0, 5)), max_size=80)


def memory():
    m = [0] * (G_SIZE + TIMERS * TIMER_SIZE + 2 * (TIMERS + 1))
    m[G_HEAP] = G_SIZE + TIMERS * TIMER_SIZE
    return m


@given(STEPS)
def test_timers_come_out_as_from_a_sorted_list(steps):
    m, waiting, serial = memory(), {}, 0
    for what, index, time_ns in steps:
        timer = G_SIZE + index * TIMER_SIZE
        if what == "arm":
            serial += 1
            queue_call("arm", m, timer, time_ns)
            waiting[timer] = (time_ns, serial)
        elif what == "cancel":
            queue_call("cancel", m, timer)
            waiting.pop(timer, None)
        elif waiting:
            first = min(waiting, key=waiting.get)
            assert queue_call("pop", m) == first
            waiting.pop(first)
        assert m[G_HEAP_COUNT] == len(waiting)
        assert queue_call("next_time", m) == min((time for time, _ in waiting.values()), default=NEVER)
        assert all((m[t + T_SLOT] > 0) == (t in waiting) for t in range(G_SIZE, G_SIZE + TIMERS * TIMER_SIZE, TIMER_SIZE))
        assert all(m[t + T_TIME] == time for t, (time, _) in waiting.items())


def queue_call(name, m, *arguments):
    """Call a function of the queue on an array, compiled or not, and bring the memory back into the list."""
    import numpy as np

    array = np.array(m, np.int64)
    result = getattr(queue, name)(array, *arguments)
    m[:] = array.tolist()
    return result
