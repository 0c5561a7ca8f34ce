"""Counts, means and percentiles of many groups of times at once: few by one sort, many by the kernel that selects them."""

import numpy as np

from tophalf.compiled import kernels
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
SLOTS_AT_FIRST = 1 << 10  # few distinct values among many is the rule: a table that stays in the CPU's cache
VALUE_MAX = 1 << 60  # 36 years in nanoseconds: above, a value and a flag do not go into one number


def group_times(values, groups, group_count, rows=0):
    """Statistics of `values` (int64; those below 0 are left out) by `groups` (int64, 0 .. group_count - 1).

    rows: size of the table they come from: with many, they are selected by a compiled kernel.
    Returns a list of group_count Times; one without values has count 0, total 0 and None for the rest.
    """
    module, is_compiled = kernels("tophalf.judge.times.selection_kernels", rows)
    if is_compiled:
        return _selected(module, values, groups, group_count, values[:0])[0]
    values, groups, _ = _known(values, groups)
    return _times(_ordered(values, groups, group_count), np.bincount(groups, minlength=group_count))


def split_times(values, groups, group_count, marked, rows=0):
    """As group_times, each group whole, its values that are not `marked` (bool) and those that are: three lists."""
    module, is_compiled = kernels("tophalf.judge.times.selection_kernels", rows)
    if is_compiled:
        return _selected(module, values, groups, group_count, marked.astype(np.int64))
    values, groups, marked = _known(values, groups, marked)
    if len(values) and values.max() >= VALUE_MAX:
        parts = (np.ones(len(values), bool), ~marked, marked)
        return [group_times(values[part], groups[part], group_count) for part in parts]
    ordered = _ordered(values * 2 + marked, groups, group_count)
    is_marked = ordered & 1 == 1
    ordered >>= 1
    counts, marked_counts = (np.bincount(part, minlength=group_count) for part in (groups, groups[marked]))
    return [
        _times(ordered, counts),
        _times(ordered[~is_marked], counts - marked_counts),
        _times(ordered[is_marked], marked_counts),
    ]


def _known(values, groups, marked=None):
    """Those that are not below 0."""
    if not len(values) or values.min() >= 0:
        return values, groups, marked
    known = np.flatnonzero(values >= 0)
    return values[known], groups[known], None if marked is None else marked[known]


def _selected(module, values, groups, group_count, marked):
    """Lists of Times: of each group whole, of its unmarked and of its marked values."""
    found, rows = np.zeros((3, group_count, module.FIELDS), np.int64), len(values)
    room = [np.empty(count, np.int64) for count in (rows, rows + 1, 2 * module.BUCKETS)]
    values, groups, marked = (np.ascontiguousarray(column, np.int64) for column in (values, groups, marked))
    module.summarise(values, groups, marked, np.zeros(2 * group_count, np.int64), *room, found)
    return [[_selected_times(*fields) for fields in part] for part in found.tolist()]


def _selected_times(count, p50, p99, most, total):
    if not count:
        return NO_TIMES
    return Times(count=count, mean=(total + count // 2) // count, p50=p50, p99=p99, max=most, total=total)


def _times(ordered, counts):
    """Times of each group, from its values one group after another, ascending in each."""
    times = [NO_TIMES] * len(counts)
    full = np.flatnonzero(counts)
    if not len(full):
        return times
    ends, size = np.cumsum(counts)[full], counts[full]
    first = ends - size
    totals = np.add.reduceat(ordered, first)
    columns = (
        size, (totals + size // 2) // size, ordered[first + _rank(size, 50)], ordered[first + _rank(size, 99)],
        ordered[ends - 1], totals,
    )  # fmt: skip
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


def dense(values, rows=0):
    """Number the distinct values. Returns (distinct values ascending, index into them for each value).

    rows: size of the table they come from: with many, numbering is compiled.
    """
    module, is_compiled = kernels("tophalf.judge.times.grouping_kernels", rows)
    if not is_compiled:
        distinct = np.unique(values)
        return distinct, np.searchsorted(distinct, values)
    values, count, slot_count = values.astype(np.int64, copy=False), -1, SLOTS_AT_FIRST
    groups = np.empty(len(values), np.int64)
    while count < 0:
        distinct = np.empty(slot_count // 2, np.int64)
        count = module.number(values, groups, np.zeros(2 * slot_count, np.int64), distinct)
        slot_count *= 16
    order = np.argsort(distinct[:count])
    rank = np.empty(count, np.int64)
    rank[order] = np.arange(count)
    return distinct[order], rank[groups]
