"""Counts, means and percentiles of many groups of times at once, by one sort."""

import numpy as np

from tophalf.frozen import Frozen


class Times(Frozen):
    """Statistics of one group of times: all in nanoseconds and integers.

    mean is rounded to the nearest; p50 and p99 are nearest-rank (the smallest time that at least that share of the
    times does not exceed), so each is a time that was seen.
    """

    __slots__ = ("count", "mean", "p50", "p99", "max", "total")

    def share(self, span_ns):
        """Part of one CPU over `span_ns`, 0 for an empty span."""
        return self.total / span_ns if span_ns else 0.0


NO_TIMES = Times(count=0, total=0)


def group_times(values, groups, group_count):
    """Statistics of `values` (int64, >= 0) by `groups` (integers 0 .. group_count - 1).

    Returns a list of group_count Times; one without values has count 0, total 0 and None for the rest.
    """
    counts = np.bincount(groups, minlength=group_count)
    ends = np.cumsum(counts)
    ordered = _ordered(values, groups, group_count)
    full = np.flatnonzero(counts)
    if not len(full):
        return [NO_TIMES] * group_count
    first = (ends - counts)[full]
    totals = np.add.reduceat(ordered, first)
    size = counts[full]
    columns = (
        size, (totals + size // 2) // size, ordered[first + _rank(size, 50)], ordered[first + _rank(size, 99)],
        ordered[ends[full] - 1], totals,
    )  # fmt: skip
    times = [NO_TIMES] * group_count
    for group, row in zip(full.tolist(), zip(*(column.tolist() for column in columns), strict=True), strict=True):
        times[group] = Times(**dict(zip(Times.__slots__, row, strict=True)))
    return times


def times_of(values):
    """Statistics of one group."""
    return group_times(values, np.zeros(len(values), np.int64), 1)[0]


def _rank(size, percent):
    return (size * percent + 99) // 100 - 1


def _ordered(values, groups, group_count):
    """The values group by group, ascending in each: group and value are packed into one number, sorted, unpacked."""
    if not len(values):
        return values
    if group_count == 1:
        return np.sort(values)
    value_bits = int(values.max()).bit_length()
    if value_bits + group_count.bit_length() > 62:
        return values[np.lexsort((values, groups))]
    packed = groups.astype(np.int64)
    packed <<= value_bits
    packed |= values
    packed.sort()
    packed &= (1 << value_bits) - 1
    return packed


def dense(values):
    """Number the distinct values. Returns (distinct values ascending, index into them for each value)."""
    distinct = np.unique(values)
    return distinct, np.searchsorted(distinct, values)
