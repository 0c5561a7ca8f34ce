"""Ring buffer pages into columns of the event table: what a trace.dat and a recording have in common.

`decode` is given the bytes, where each CPU's pages lie in them, and the event formats. Inner loops: ringbuffer_kernels (one
source, plain or compiled); few records are taken apart by ringbuffer_fields (numpy) instead, which needs no compiler.
"""

import bisect
from itertools import accumulate

import numpy as np

from tophalf.compiled import kernels, run_both
from tophalf.frozen import Frozen
from tophalf.host.trace.ringbuffer_layouts import layout_table

EVENT_BYTES_MIN = 12  # event word and the 8 common bytes of a record
EVENT_BYTES_USUAL = 28  # seen in traces of irq, napi, workqueue and sched events; only decides plain or compiled
HALVING_STEPS = 8  # then the halves differ by less than a hundredth, as far as events are spread evenly
TWO_THREADS_ROWS_MIN = 200_000  # some 3 ms of work
MERGED_STREAMS_MAX = 32  # the compiled merge looks at every stream when it changes from one to another


class Stream(Frozen):
    """One CPU's pages in one buffer: bytes start..end of the data, start a multiple of 4."""

    __slots__ = ("cpu", "start", "end")


class Decoded(Frozen):
    """columns: {column: array}, rows in (time, cpu, sequence) order; strings; tasks {pid: comm} as far as events name them;
    gaps: {cpu: events lost by page flags, None when only "some"}; notes: what was wrong, for people."""

    __slots__ = ("columns", "strings", "tasks", "gaps", "notes")


class _Walk(Frozen):
    """Events by stream. times, wheres: int64, those of a stream from its place in `firsts` on; counts: per stream (events,
    damaged pages, steps back in time, gaps without a number, events lost by number), see ringbuffer_kernels.walk."""

    __slots__ = ("times", "wheres", "firsts", "counts")


def decode(data, streams, page_size, commit_size, formats, rows=None):
    """Decode all streams.

    Args: data: bytes-like. streams: list of Stream, any order. page_size: bytes from page to page, 0 when each page is cut
    after its committed bytes. commit_size: 4 or 8. formats: {id: Format}. rows: overrides the guess of how many events
    there are, which decides between plain and compiled.
    Returns: Decoded. Raises: FormatError: common fields of a format are not where every kernel has them.
    """
    layouts = layout_table(formats)
    streams = sorted(streams, key=lambda stream: stream.cpu)
    rows = sum(stream.end - stream.start for stream in streams) // EVENT_BYTES_USUAL if rows is None else rows
    module, is_compiled = kernels("tophalf.host.trace.ringbuffer_kernels", rows)
    data = np.frombuffer(data, np.int8, len(memoryview(data)) & ~3)
    data.flags.writeable = False  # bytes are so; an array of another kind would compile the kernels a second time
    words = data.view(np.int32)
    walk = _walk(module, is_compiled, words, streams, page_size, commit_size)
    is_sorted = not any(backward for _, _, backward, *_ in walk.counts)
    if is_compiled and is_sorted and len(streams) <= MERGED_STREAMS_MAX:
        columns, *found = _merge_and_read(module, data, words, walk, streams, layouts)
    else:
        times, wheres, cpus = _merge(walk, streams)
        columns, *found = _read_fields(module, is_compiled, data, words, wheres, layouts)
        columns |= {"time_ns": times, "cpu": cpus}
    strings, tasks, short = found
    return Decoded(
        columns=columns, strings=strings, tasks=tasks, gaps=_gaps(walk, streams), notes=_notes(walk, streams, short)
    )


def _merge_and_read(module, data, words, walk, streams, layouts):
    """As _merge and _read_fields, but compiled and in one step; many in two threads, each half of the time."""
    from tophalf.host.trace.ringbuffer_extract import merge_fields

    begins, ends, middles = _halves(walk)
    whole = int((ends - begins).sum()) < TWO_THREADS_ROWS_MIN
    parts = [(begins, ends)] if whole else [(begins, middles), (middles, ends)]
    cpus = np.array([stream.cpu for stream in streams], np.int32)
    return merge_fields(module, data, words, walk, layouts, parts, cpus)


def _halves(walk):
    """Where each stream begins and ends in the walk's arrays, and where in it a time lies that half of all events precede."""
    begins = np.array(walk.firsts, np.int64)
    ends = begins + np.array([count for count, *_ in walk.counts], np.int64)
    streams = [walk.times[begin:end] for begin, end in zip(begins.tolist(), ends.tolist(), strict=True) if begin < end]
    low, high = min((int(times[0]) for times in streams), default=0), max((int(times[-1]) for times in streams), default=0)
    wanted = int((ends - begins).sum()) // 2
    for _ in range(HALVING_STEPS):
        middle = (low + high) // 2
        if sum(int(np.searchsorted(times, middle)) for times in streams) < wanted:
            low = middle
        else:
            high = middle
    ahead = [np.searchsorted(walk.times[begin:end], low) for begin, end in zip(begins, ends, strict=True)]
    return begins, ends, begins + np.array(ahead, np.int64)


def _read_fields(module, is_compiled, data, words, wheres, layouts):
    if is_compiled:
        from tophalf.host.trace.ringbuffer_extract import extract_fields

        return extract_fields(module, data, words, wheres, layouts)
    from tophalf.host.trace.ringbuffer_fields import read_fields

    return read_fields(data, words, wheres, layouts)


def _walk(module, is_compiled, words, streams, page_size, commit_size):
    """Walk all streams, those of a large trace in two threads. Every stream has room of its own in times and wheres."""
    rooms = [(stream.end - stream.start) // EVENT_BYTES_MIN for stream in streams]
    firsts = [0, *accumulate(rooms)]
    times, wheres = np.empty(firsts[-1], np.int64), np.empty(firsts[-1], np.int64)
    source, *into = (words, times, wheres) if is_compiled else map(memoryview, (words, times, wheres))

    def part(begin, end):
        return [
            module.walk(source, stream.start, stream.end, page_size, commit_size, *into, first)
            for stream, first in zip(streams[begin:end], firsts[begin:end], strict=True)
        ]

    half = bisect.bisect(firsts, firsts[-1] // 2) - 1 if is_compiled else 0
    last = len(streams)
    front, back = run_both(lambda: part(0, half), lambda: part(half, last)) if 0 < half < last else ([], part(0, last))
    return _Walk(times=times, wheres=wheres, firsts=firsts[:-1], counts=front + back)


def _merge(walk, streams):
    """(times, wheres, cpus) in order of time; at one time in order of CPU, then as they stand in their buffer."""
    events = [count for count, *_ in walk.counts]
    used = np.concatenate([np.arange(first, first + count) for first, count in zip(walk.firsts, events, strict=True)] or [[]])
    used = used.astype(np.int64)
    cpus = np.repeat(np.array([stream.cpu for stream in streams], np.int32), events)
    # Streams are sorted, one after the other: numpy's stable sort (timsort) merges them.
    order = np.argsort(walk.times[used], kind="stable")
    return walk.times[used[order]], walk.wheres[used[order]], cpus[order]


def _gaps(walk, streams):
    found = {}
    for stream, (_, _, _, gaps, lost) in zip(streams, walk.counts, strict=True):
        if gaps or lost:
            before = found.get(stream.cpu, 0)
            found[stream.cpu] = None if gaps or before is None else before + lost
    return found


def _notes(walk, streams, short):
    notes = [f"{short} records are shorter than their format says; their fields are not read"] if short else []
    for stream, (_, damaged, backward, _, _) in zip(streams, walk.counts, strict=True):
        if damaged:
            notes.append(f"CPU {stream.cpu}: {damaged} damaged pages in the trace; the rest of each is not read")
        if backward:
            notes.append(f"CPU {stream.cpu}: time steps back {backward} times in the trace; its events were sorted by time")
    return notes
