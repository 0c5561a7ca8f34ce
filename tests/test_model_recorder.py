"""Moments of a run, and a trace that stays within its bound."""

import pytest

from modelworlds import add_napi, mixed
from tophalf.model import recorder
from tophalf.model.build import Builder
from tophalf.model.summary import digest
from tophalf.model.table import event_table

pytestmark = pytest.mark.kernels


@pytest.mark.parametrize(
    "seconds, count, step",
    [(0.02, 2, None), (0.3, 4, 0.1), (1, 11, 0.1), (5, 11, 0.5), (30, 31, 1), (5000, 1001, 5), (10**6, 1001, 1000)],
)
def test_moments_are_once_a_second_and_ten_at_least_but_never_too_many(seconds, count, step):
    until_ns = round(seconds * 1e9)
    times = recorder.moment_times(until_ns)
    assert (times[0], times[-1], len(times)) == (0, until_ns, count)
    assert times == sorted(set(times))
    assert step is None or times[1] == step * 1e9


def test_the_end_is_not_told_twice():
    times = recorder.moment_times(1_040_000_000)
    assert times[-2:] == [936_000_000, 1_040_000_000]


def test_moments_hold_what_a_recorder_of_a_host_reads_then():
    shots = recorder.record(mixed().world(), 300_000_000)
    assert [shot.time_ns // 10**6 for shot in shots] == [0, 100, 200, 300]
    assert [shot.irq_files is not None for shot in shots] == [True, False, False, True]
    assert [shot.log is not None for shot in shots] == [True, False, False, True]
    assert all(shot.facts is shots[0].facts and shot.interrupts and shot.threads for shot in shots)


def test_moments_change_nothing_of_the_run():
    whole, watched = mixed(3).world(), mixed(3).world()
    whole.run(150_000_000)
    recorder.record(watched, 150_000_000)
    assert digest(whole) == digest(watched)


def test_a_trace_ends_where_its_bound_is_and_says_so(monkeypatch):
    monkeypatch.setattr(recorder, "EVENTS_MAX", 2000)
    builder = Builder(1)
    add_napi(builder, 24, "eth0", 200_000, 900, "poisson")
    world = builder.world(500)
    recorder.record(world, 50_000_000)
    table = event_table(world)
    assert 2000 <= len(table) <= 2500
    assert world.traced_until_ns >= table.time_ns[-1]
    assert "it ends after 2,000 events" in recorder.what_was_cut(world)
    untraced = Builder(1)
    add_napi(untraced, 24, "eth0", 200_000, 900, "poisson")
    other = untraced.world()
    recorder.record(other, 50_000_000)
    assert recorder.what_was_cut(other) is None
    assert other.rows == []
    assert digest(other) == digest(world)


def test_progress_is_told_of_the_whole_run():
    told = []
    recorder.record(mixed().world(), 40_000_000, lambda now_ns, until_ns: told.append((now_ns, until_ns)))
    assert told[-1] == (40_000_000, 40_000_000)
    assert {until_ns for _, until_ns in told} == {40_000_000}
