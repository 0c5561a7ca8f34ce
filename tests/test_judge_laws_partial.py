"""A trace that shows less than happened is never called unlawful: real traces, cut and thinned in every way a trace can be."""

import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tophalf import compiled, vocab
from tophalf.host.door import open_machine
from tophalf.host.trace.traces import load_events
from tophalf.judge import laws

pytestmark = pytest.mark.kernels

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "traces")
NAMES = (
    "tasklets-6.12", "works-6.12", "flood-6.12", "flood-rt", "passes-6.1", "napi-threaded-6.12", "shared-6.12", "busy-poll-6.12",
)  # fmt: skip
TABLES = {name: load_events(open_machine(os.path.join(HERE, f"{name}.dat"))) for name in NAMES}
KINDS = sorted(set(range(1, len(vocab.EVENT_NAMES))))

share = st.floats(0, 1, allow_nan=False)
names = st.sampled_from(NAMES)
patient = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def broken(table):
    return {verdict.law.name: verdict.violations[:3] for verdict in laws.judge(table) if not verdict.holds}


@patient
@given(names, share, share)
def test_a_piece_of_a_trace_is_lawful(name, start, end):
    table = TABLES[name]
    low, high = sorted((int(start * len(table)), int(end * len(table))))
    assert broken(table.rows(slice(low, high))) == {}


@patient
@given(names, st.lists(st.tuples(st.integers(0, 3), share, st.integers(1, 400)), min_size=1, max_size=3))
def test_lost_events_are_no_violations(name, losses):
    table = TABLES[name]
    keep, flags = np.ones(len(table), bool), table.flags.copy()
    lost = {}
    for cpu, start, count in losses:
        here = np.flatnonzero(table.cpu == cpu)
        first = int(start * len(here))
        keep[here[first : first + count]] = False
        lost[cpu] = None
        flags[here[first + count : first + count + 1]] |= vocab.FLAG_LOST_BEFORE
    assert broken(table.replace(flags=flags, lost=lost).rows(keep)) == {}


@patient
@given(names, st.lists(share, min_size=4, max_size=4))
def test_buffers_that_begin_at_different_times_are_lawful(name, starts):
    table = TABLES[name]
    begin = table.time_ns[0] + (np.array(starts) * table.span_ns).astype(np.int64)
    lost = dict.fromkeys(range(4), 1)
    assert broken(table.replace(lost=lost).rows(table.time_ns >= begin[table.cpu])) == {}


@patient
@given(names, st.dictionaries(st.sampled_from(KINDS), share, max_size=len(KINDS)), st.booleans())
def test_events_enabled_one_after_another_are_lawful(name, starts, at_end):
    table = TABLES[name]
    keep = np.ones(len(table), bool)
    row = np.arange(len(table))
    for kind, start in starts.items():
        outside = row > start * len(table) if at_end else row < start * len(table)
        keep &= (table.kind != kind) | ~outside
    assert broken(table.rows(keep)) == {}


@patient
@given(names, st.sets(st.sampled_from(KINDS)))
def test_events_that_were_not_recorded_are_not_missed(name, kinds):
    table = TABLES[name]
    assert broken(table.rows(~np.isin(table.kind, list(kinds)))) == {}


@patient
@given(names, st.lists(st.integers(-2_000_000, 2_000_000), min_size=4, max_size=4))
def test_clocks_that_differ_by_cpu_are_no_violations(name, offsets):
    table = TABLES[name]
    time_ns = table.time_ns + np.array(offsets)[table.cpu]
    order = np.argsort(time_ns, kind="stable")
    assert broken(table.replace(time_ns=time_ns, clock="local").rows(order)) == {}


@patient
@given(names)
def test_microseconds_are_enough(name):
    table = TABLES[name]
    time_ns = table.time_ns // 1000 * 1000
    order = np.lexsort((table.cpu, time_ns))
    assert broken(table.replace(time_ns=time_ns).rows(order)) == {}


@pytest.mark.parametrize("name", NAMES)
def test_a_trace_without_flags_is_lawful(name):
    table = TABLES[name]
    assert broken(table.replace(flags=np.zeros_like(table.flags), preempt=np.zeros_like(table.preempt))) == {}


def test_a_table_without_events_exercises_nothing():
    assert not any(verdict.exercised or not verdict.holds for verdict in laws.judge(TABLES["flood-rt"].rows(slice(0, 0))))


@pytest.mark.parametrize("name", ["tasklets-6.12", "works-6.12", "flood-rt"])
def test_compiled_and_plain_walks_agree(name, monkeypatch):
    table = TABLES[name]
    changed = table.rows(np.random.default_rng(7).random(len(table)) > 0.01)
    plain = [verdict.as_dict() for verdict in laws.judge(changed)]
    monkeypatch.setattr(compiled, "COMPILED_ROWS_MIN", 0)
    assert [verdict.as_dict() for verdict in laws.judge(changed)] == plain
    assert any(verdict["violation_count"] for verdict in plain)
