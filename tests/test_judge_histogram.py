"""Buckets that double."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tophalf.judge.times.histogram import log2_buckets


@given(st.lists(st.integers(0, (1 << 62) - 1), max_size=40))
def test_each_time_is_in_the_bucket_that_holds_it(times):
    buckets = log2_buckets(np.array(times, np.int64))
    assert [count for _, _, count in buckets] == [sum(low <= time < below for time in times) for low, below, _ in buckets]
    assert sum(count for _, _, count in buckets) == len(times)
    assert all(below == buckets[at + 1][0] for at, (_, below, _) in enumerate(buckets[:-1]))


def test_edges_belong_to_the_bucket_above():
    assert log2_buckets(np.array([0, 1, 2, 3, 4])) == [(0, 1, 1), (1, 2, 1), (2, 4, 2), (4, 8, 1)]
