"""Histograms of times in buckets that double: what a mean hides, in a dozen lines."""

import numpy as np

_EDGES = np.array([1 << power for power in range(63)], np.int64)


def log2_buckets(times_ns):
    """Count times (int64, >= 0) in buckets that double.

    Returns [(from_ns, below_ns, count)] from the first bucket with something in it to the last, ascending; times below
    1 ns are in (0, 1). [] for no times.
    """
    if not len(times_ns):
        return []
    counts = np.bincount(np.searchsorted(_EDGES, times_ns, side="right"), minlength=1)
    first, last = np.flatnonzero(counts)[[0, -1]].tolist()
    return [(1 << at - 1 if at else 0, 1 << at, int(counts[at])) for at in range(first, last + 1)]
