"""Percentiles out of cells against the sorted latencies themselves."""

from hypothesis import given
from hypothesis import strategies as st

from tophalf.model.fields import CELL_BITS, HISTOGRAM_SIZE
from tophalf.model.ground.latencycells import shift_of
from tophalf.model.latencies import cell_bounds_ns, merged, summary


def cell_of(latency_ns):
    shift = shift_of(latency_ns)
    return (shift << CELL_BITS) + min(latency_ns >> shift, (2 << CELL_BITS) - 1)


@given(st.integers(0, (1 << 39) - 1))
def test_a_latency_lies_within_its_cell_and_cells_are_narrow(latency_ns):
    low, high = cell_bounds_ns(cell_of(latency_ns))
    assert low <= latency_ns < high
    assert high - low <= max(1, low / 64)


@given(st.lists(st.integers(0, 1 << 36), min_size=1, max_size=300))
def test_percentiles_are_by_nearest_rank_to_a_64th(latencies):
    cells = [0] * HISTOGRAM_SIZE
    for latency_ns in latencies:
        cells[cell_of(latency_ns)] += 1
    found = summary(cells, len(latencies), sum(latencies), max(latencies))
    ordered = sorted(latencies)
    assert found["mean"] == sum(latencies) / len(latencies)
    assert found["max"] == ordered[-1]
    for name, thousandths in (("p50", 500), ("p90", 900), ("p99", 990), ("p999", 999)):
        exact = ordered[-(-len(ordered) * thousandths // 1000) - 1]
        assert abs(found[name] - exact) <= exact / 64
        assert found[name] <= ordered[-1]


def test_nothing_counted_is_not_zero():
    assert summary([0] * HISTOGRAM_SIZE, 0, 0, 0) == dict.fromkeys(("mean", "p50", "p90", "p99", "p999", "max"))


def test_merging_adds_cell_by_cell():
    assert merged([[1] * HISTOGRAM_SIZE, [2] * HISTOGRAM_SIZE]) == [3] * HISTOGRAM_SIZE
