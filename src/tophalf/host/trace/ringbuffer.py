"""Ring buffer pages into columns of the event table: what a trace.dat and a recording have in common.

`decode` is given the bytes, where each CPU's pages lie in them, and the event formats. Inner loops: ringbuffer_kernels (one
source, plain or compiled); few records are taken apart by ringbuffer_fields (numpy) instead, which needs no compiler.
"""

import numpy as np

from tophalf.compiled import kernels
from tophalf.frozen import Frozen
from tophalf.host.trace.ringbuffer_layouts import layout_table

EVENT_BYTES_MIN = 12  # event word and the 8 common bytes of a record
EVENT_BYTES_USUAL = 28  # seen in traces of irq, napi, workqueue and sched events; only decides plain or compiled


class Stream(Frozen):
    """One CPU's pages in one buffer: bytes start..end of the data, start a multiple of 4."""

    __slots__ = ("cpu", "start", "end")


class Decoded(Frozen):
    """columns: {column: array}, rows in (time, cpu, sequence) order; strings; tasks {pid: comm} as far as events name them;
    gaps: {cpu: events lost by page flags, None when only "some"}; notes: what was wrong, for people."""

    __slots__ = ("columns", "strings", "tasks", "gaps", "notes")


class _Walk(Frozen):
    """All events, stream after stream. times, wheres: int64[event]; counts: per stream (events, damaged pages, steps back
    in time, gaps without a number, events lost by number), see ringbuffer_kernels.walk."""

    __slots__ = ("times", "wheres", "counts")


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
    times, wheres, cpus = _merge(walk, streams)
    columns, strings, tasks, short = _read_fields(module, is_compiled, data, words, wheres, layouts)
    return Decoded(
        columns=columns | {"time_ns": times, "cpu": cpus}, strings=strings, tasks=tasks,
        gaps=_gaps(walk, streams), notes=_notes(walk, streams, short),
    )  # fmt: skip


def _read_fields(module, is_compiled, data, words, wheres, layouts):
    if is_compiled:
        from tophalf.host.trace.ringbuffer_extract import extract_fields

        return extract_fields(module, data, words, wheres, layouts)
    from tophalf.host.trace.ringbuffer_fields import read_fields

    return read_fields(data, words, wheres, layouts)


def _walk(module, is_compiled, words, streams, page_size, commit_size):
    room = sum((stream.end - stream.start) // EVENT_BYTES_MIN for stream in streams)
    times, wheres = np.empty(room, np.int64), np.empty(room, np.int64)
    source, *into = (words, times, wheres) if is_compiled else map(memoryview, (words, times, wheres))
    counts, row = [], 0
    for stream in streams:
        counts.append(module.walk(source, stream.start, stream.end, page_size, commit_size, *into, row))
        row += counts[-1][0]
    return _Walk(times=times[:row], wheres=wheres[:row], counts=counts)


def _merge(walk, streams):
    """(times, wheres, cpus) in order of time; at one time in order of CPU, then as they stand in their buffer."""
    cpus = np.repeat(np.array([stream.cpu for stream in streams], np.int32), [count for count, *_ in walk.counts])
    # Streams are sorted, one after the other: numpy's stable sort (timsort) merges them and costs 2 ns an event.
    order = np.argsort(walk.times, kind="stable")
    return walk.times[order], walk.wheres[order], cpus[order]


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
