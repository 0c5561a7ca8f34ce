"""Exact statistics of many groups of times without sorting them: nearest-rank percentiles by counting into buckets.

The bucket that holds a rank is counted again in finer ones until one holds a single value, so nothing is rounded. Two
looks at the values are the rule: times are within 32 times their mean, and a bucket of that is at most some hundred wide.
"""

from tophalf.compiled import compiled_lean

BUCKETS = 512
MEAN_BUCKETS = 16  # buckets up to the mean: half of all values lie below twice as many, and 99 % hardly ever above 512
WHOLE, UNMARKED, MARKED = 0, 1, 2
COUNT, P50, P99, MOST, TOTAL, FIELDS = range(6)


@compiled_lean
def summarise(values, groups, marked, ends, ordered, picked, counts, found):
    """Statistics of each group whole, of its unmarked values and of its marked ones. Values below 0 do not count.

    marked: 0 or 1 by value, or of length 0 when none is. Room: ends, two a group, zero; ordered: as long as values; picked:
    one more; counts: 2 * BUCKETS. found[part, group]: FIELDS, zero.
    """
    arrange(values, groups, marked, ends, ordered)
    begin = 0
    for group in range(len(ends) // 2):
        middle, end = ends[2 * group], ends[2 * group + 1]
        total = 0
        for at in range(begin, end):
            total += ordered[at]
        shift = 0
        while end > begin and total // (end - begin) >> shift >= MEAN_BUCKETS:
            shift += 1
        describe(ordered, begin, end, shift, picked, counts, found, WHOLE, group)
        if begin < middle < end:
            describe(ordered, begin, middle, shift, picked, counts, found, UNMARKED, group)
            describe(ordered, middle, end, shift, picked, counts, found, MARKED, group)
        else:
            part = UNMARKED if begin < middle else MARKED
            for field in range(FIELDS):
                found[part, group, field] = found[WHOLE, group, field]
        begin = end


@compiled_lean
def arrange(values, groups, marked, ends, ordered):
    """Put the values group by group, in each the unmarked ones first. `ends` becomes where each of these parts ends."""
    has_marks = len(marked) > 0
    for at in range(len(values)):
        if values[at] >= 0:
            ends[2 * groups[at] + (marked[at] if has_marks else 0)] += 1
    before = 0
    for part in range(len(ends)):
        before, ends[part] = before + ends[part], before
    for at in range(len(values)):
        if values[at] >= 0:
            part = 2 * groups[at] + (marked[at] if has_marks else 0)
            ordered[ends[part]] = values[at]
            ends[part] += 1


@compiled_lean
def describe(ordered, begin, end, shift, picked, counts, found, part, group):
    """Fill in found[part, group] from ordered[begin:end]. shift: how wide the first buckets are, the last one without end."""
    count, most, total = end - begin, 0, 0
    for bucket in range(BUCKETS):
        counts[bucket] = 0
    for at in range(begin, end):
        value = ordered[at]
        total += value
        most = max(most, value)
        counts[min(value >> shift, BUCKETS - 1)] += 1
    found[part, group, COUNT], found[part, group, MOST], found[part, group, TOTAL] = count, most, total
    if count:
        found[part, group, P50] = pick(ordered, begin, end, shift, (count * 50 + 99) // 100 - 1, most, picked, counts)
        found[part, group, P99] = pick(ordered, begin, end, shift, (count * 99 + 99) // 100 - 1, most, picked, counts)


@compiled_lean
def pick(ordered, begin, end, shift, rank, most, picked, counts):
    """The value of a rank (0: the least) of ordered[begin:end], whose buckets are counted in `counts`."""
    bucket = 0
    while rank >= counts[bucket]:
        rank -= counts[bucket]
        bucket += 1
    low = bucket << shift
    width = 1 << shift if bucket < BUCKETS - 1 else most - low + 1
    count = 0
    for at in range(begin, end):
        picked[count] = ordered[at]  # without a branch: whether it stays is the next step of `count`
        count += (ordered[at] >= low) & (ordered[at] - low < width)
    while width > 1:
        shift = 0
        while width - 1 >> shift >= BUCKETS:
            shift += 1
        for bucket in range(BUCKETS, 2 * BUCKETS):
            counts[bucket] = 0
        for at in range(count):
            counts[BUCKETS + (picked[at] - low >> shift)] += 1
        bucket = 0
        while rank >= counts[BUCKETS + bucket]:
            rank -= counts[BUCKETS + bucket]
            bucket += 1
        low += bucket << shift
        width = 1 << shift
        kept = 0
        for at in range(count if shift else 0):
            picked[kept] = picked[at]
            kept += picked[at] - low >> shift == 0
        count = kept
    return low
