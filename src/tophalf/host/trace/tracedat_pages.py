"""The pages of a trace.dat: unpacked where they are compressed, and decoded into the event table."""

import numpy as np

from tophalf.compiled import run_both
from tophalf.errors import FormatError
from tophalf.events import make_table
from tophalf.host.trace.ringbuffer import Stream, decode
from tophalf.host.trace.symbols import Symbols
from tophalf.host.trace.tracebuffers import add_counts, choose_buffers, join, to_nanoseconds
from tophalf.host.trace.tracedat import CUT, UNPACKED_BYTES_MAX, Cursor, unpacker

TWO_THREADS_BYTES_MIN = 4 << 20  # unpacked; below, a second thread costs more than it saves
# Clocks that do not count nanoseconds (kernel/trace/trace.c trace_clocks); trace-cmd can save how to convert x86-tsc
NOT_TIME = ("counter", "x86-tsc", "ppc-tb")


def dat_table(trace, data, path, notes):
    """The EventTable of a TraceDat in `data`; path: for messages; notes: a list that is added to. Keeps no part of data.

    Raises: FormatError when the clock counts no time, or a format is not readable.
    """
    if not trace.buffers:
        raise FormatError("no buffer of events in the file", path, CUT)
    found = [(buffer, _decode(trace, buffer, data, path, notes)) for buffer in trace.buffers]
    chosen = choose_buffers(found, notes)
    result = join([decoded for _, decoded in chosen])
    _check_clock(trace, chosen[0][0], path)
    if trace.tsc:
        result.columns["time_ns"] = to_nanoseconds(result.columns["time_ns"], *trace.tsc)
    notes += result.notes
    lost = [lost_events(decoded.gaps, buffer.stats) for buffer, decoded in chosen]
    return make_table(
        result.columns, strings=result.strings, tasks=result.tasks | saved_tasks(trace.cmdlines),
        symbols=Symbols(trace.kallsyms), cpus=tuple(sorted({cpu for buffer, _ in chosen for cpu, _, _ in buffer.cpus})),
        clock=chosen[0][0].clock or "unknown", lost=add_counts(lost), source=path,
    )  # fmt: skip


def _decode(trace, buffer, data, path, notes):
    pages, streams = unpack_pages(trace, buffer, data, path, notes)
    return decode(pages, streams, buffer.page_size, trace.page.commit_size, trace.formats)


def _check_clock(trace, buffer, path):
    if buffer.clock in NOT_TIME and not trace.tsc:
        raise FormatError(f"the trace's clock {buffer.clock} counts no time", path, "record with -C mono")


def unpack_pages(trace, buffer, data, path, notes):
    """(bytes, [Stream]) of one buffer; what is cut short or damaged is left out and said in notes."""
    if not buffer.packed:
        return data, _streams_in_file(buffer, len(data), path, notes)
    parts = [_chunks(Cursor(memoryview(data), path, offset), size + 4, notes) for _, offset, size in buffer.cpus]
    chunks = [chunk for part in parts for chunk in part]
    pages, starts = _room(chunks, path)
    errors = _unpack_all(trace, pages, starts, chunks)
    streams, first = [], 0
    for (cpu, _, _), part in zip(buffer.cpus, parts, strict=True):
        whole = next((at for at in range(len(part)) if errors[first + at]), len(part))
        if whole < len(part):
            notes.append(f"{errors[first + whole].line()}; the rest of CPU {cpu} is not read")
        streams.append(Stream(cpu=cpu, start=starts[first], end=starts[first + whole]))
        first += len(part)
    return pages, streams


def _room(chunks, path):
    """An array for all chunks unpacked, and where in it each begins (and the last ends)."""
    starts = [0]
    for _, size, _ in chunks:
        starts.append(starts[-1] + size)
    if starts[-1] > UNPACKED_BYTES_MAX:
        raise FormatError(f"{starts[-1]} bytes of events when unpacked", path, "split it with trace-cmd split")
    return np.empty(starts[-1], np.uint8), starts


def _unpack_all(trace, data, starts, chunks):
    """Unpack chunks into data, large traces in two threads. Returns a FormatError or None for each."""

    def part(first, last):
        unpack, errors, room = unpacker(trace.compression), [], memoryview(data)
        for (packed, size, where), start in zip(chunks[first:last], starts[first:last], strict=True):
            try:
                unpack(packed, size, where, room[start : start + size])
                errors.append(None)
            except FormatError as error:
                errors.append(error)
        return errors

    half = len(chunks) // 2 if starts[-1] >= TWO_THREADS_BYTES_MIN else len(chunks)
    if half == len(chunks):
        return part(0, half)
    front, back = run_both(lambda: part(0, half), lambda: part(half, len(chunks)))
    return front + back


def _chunks(cursor, size, notes):
    """[(packed bytes, size unpacked, where)] of one CPU, as far as they lie in the file."""
    chunks, end = [], cursor.at + size
    try:
        for _ in range(cursor.number(4) if size > 4 else 0):
            if cursor.at >= end:
                break
            where, packed_size, unpacked_size = cursor.where(), cursor.number(4), cursor.number(4)
            if unpacked_size % 4:
                raise FormatError(f"{unpacked_size} bytes in a chunk of pages", where, CUT)
            chunks.append((cursor.take(packed_size), unpacked_size, where))
    except FormatError as error:
        notes.append(error.line())
    return chunks


def _streams_in_file(buffer, file_size, path, notes):
    streams = []
    for cpu, offset, size in buffer.cpus:
        if offset + size > file_size:
            notes.append(f"{path}:{offset:#x}: the file ends within the events of CPU {cpu}; the rest is missing")
        if offset % 4 == 0 and offset < file_size:
            streams.append(Stream(cpu=cpu, start=offset, end=min(offset + size, file_size)))
        elif size and offset % 4:
            notes.append(f"{path}: the events of CPU {cpu} do not begin at a multiple of 4; they are not read")
    return streams


def saved_tasks(cmdlines):
    """{pid: comm} from saved_cmdlines: `223 python3` (kernel/trace/trace_sched_switch.c saved_cmdlines_show)."""
    tasks = {}
    for line in cmdlines.decode("utf-8", "surrogateescape").split("\n"):
        pid, _, comm = line.partition(" ")
        if pid.isdecimal() and comm and comm != "<...>":
            tasks[int(pid)] = comm
    return tasks


def lost_events(gaps, stats):
    """{cpu: events lost or None}: the kernel's own count where it was recorded, else what the page flags say."""
    return {cpu: count for cpu, count in (gaps | stats).items() if count != 0}
