"""Group statistics against a twin that sorts each group by itself."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tophalf import compiled
from tophalf.judge.times.statistics import NO_TIMES, Times, dense, group_times, split_times, times_of

pytestmark = pytest.mark.kernels

VALUES = st.one_of(st.integers(0, 50), st.integers(0, (1 << 45)))
PAIRS = st.lists(st.tuples(VALUES, st.integers(0, 4), st.booleans()), max_size=60)


def twin(values):
    """Times of a list, by the definitions in words."""
    if not values:
        return NO_TIMES
    ordered, count = sorted(values), len(values)

    def nearest_rank(percent):
        return next(value for at, value in enumerate(ordered, 1) if 100 * at >= percent * count)

    mean = math.floor(Fraction(sum(values), count) + Fraction(1, 2))
    return Times(count=count, mean=mean, p50=nearest_rank(50), p99=nearest_rank(99), max=ordered[-1], total=sum(values))


def columns(pairs):
    values, groups, marked = zip(*pairs, strict=True) if pairs else ((), (), ())
    return np.array(values, np.int64), np.array(groups, np.int64), np.array(marked, bool)


@given(PAIRS)
def test_group_times_equal_the_twin(pairs):
    values, groups, _ = columns(pairs)
    expected = [twin([value for value, of, _ in pairs if of == group]) for group in range(5)]
    assert group_times(values, groups, 5) == expected


@given(PAIRS)
def test_split_times_equal_three_group_times(pairs):
    values, groups, marked = columns(pairs)
    parts = [group_times(values[keep], groups[keep], 5) for keep in (marked | True, ~marked, marked)]
    assert split_times(values, groups, 5, marked) == parts


def test_values_too_large_to_pack_are_still_sorted():
    values, groups = np.array([1 << 61, 5, (1 << 61) + 1]), np.array([1, 0, 1])
    times = group_times(values, groups, 2)
    assert (times[0].max, times[1].p50, times[1].max) == (5, 1 << 61, (1 << 61) + 1)
    whole, inline, ksoftirqd = split_times(values, groups, 2, np.array([True, False, False]))
    assert (whole[1].count, inline[1].max, ksoftirqd[1].max) == (2, (1 << 61) + 1, 1 << 61)


def test_share_is_of_one_cpu():
    assert times_of(np.array([10, 30])).share(80) == 0.5
    assert NO_TIMES.share(0) == 0.0


@given(st.lists(st.one_of(st.integers(-3, 3), st.integers(-(2**63), 2**63 - 1)), max_size=50))
def test_dense_numbers_are_ascending(values):
    distinct, groups = dense(np.array(values, np.int64))
    assert distinct.tolist() == sorted(set(values))
    assert distinct[groups].tolist() == values


@pytest.mark.skipif(not compiled.jit_is_enabled(), reason="NUMBA_DISABLE_JIT: there is no compiled form")
@given(st.lists(st.one_of(st.integers(-3, 3), st.integers(-(2**61), 2**61)), max_size=50))
@settings(deadline=None)
def test_dense_is_the_same_compiled(values):
    plain = dense(np.array(values, np.int64))
    many = dense(np.array(values, np.int64), rows=compiled.COMPILED_ROWS_MIN)
    assert all((one == other).all() for one, other in zip(plain, many, strict=True))


@pytest.mark.skipif(not compiled.jit_is_enabled(), reason="NUMBA_DISABLE_JIT: there is no compiled form")
def test_dense_grows_when_there_are_many_distinct_values():
    values = np.arange(5000, dtype=np.int64)[::-1] * 4096 - 10**6
    distinct, groups = dense(values, rows=compiled.COMPILED_ROWS_MIN)
    assert (distinct == values[::-1]).all()
    assert (groups == np.arange(5000)[::-1]).all()
