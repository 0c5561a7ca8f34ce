"""The pages of a trace.dat: unpacked where they are compressed, and decoded into the event table."""

import numpy as np

from tophalf.errors import FormatError
from tophalf.events import make_table
from tophalf.host.ringbuffer import Stream, decode
from tophalf.host.symbols import Symbols
from tophalf.host.tracebuffers import add_counts, choose_buffers, join, to_nanoseconds
from tophalf.host.tracedat import UNPACKED_BYTES_MAX, Cursor

# Clocks that do not count nanoseconds (kernel/trace/trace.c trace_clocks); trace-cmd can save how to convert x86-tsc
NOT_TIME = ("counter", "x86-tsc", "ppc-tb")


def dat_table(trace, source, notes):
    """The EventTable of a TraceDat; notes: a list that is added to.

    Raises: FormatError when the clock counts no time, or a format is not readable.
    """
    found = [(buffer, _decode(trace, buffer, source, notes)) for buffer in trace.buffers]
    chosen = choose_buffers(found, notes)
    result = join([decoded for _, decoded in chosen])
    _check_clock(trace, chosen[0][0], source)
    if trace.tsc:
        result.columns["time_ns"] = to_nanoseconds(result.columns["time_ns"], *trace.tsc)
    notes += result.notes
    lost = [lost_events(decoded.gaps, buffer.stats) for buffer, decoded in chosen]
    return make_table(
        result.columns, strings=result.strings, tasks=result.tasks | saved_tasks(trace.cmdlines),
        symbols=Symbols(trace.kallsyms), cpus=tuple(sorted({cpu for buffer, _ in chosen for cpu, _, _ in buffer.cpus})),
        clock=chosen[0][0].clock or "unknown", lost=add_counts(lost), source=source.path,
    )  # fmt: skip


def _decode(trace, buffer, source, notes):
    data, streams = unpack_pages(trace, buffer, source, notes)
    return decode(data, streams, buffer.page_size, trace.page.commit_size, trace.formats)


def _check_clock(trace, buffer, source):
    if buffer.clock in NOT_TIME and not trace.tsc:
        raise FormatError(f"the trace's clock {buffer.clock} counts no time", source.path, "record with -C mono")


def unpack_pages(trace, buffer, source, notes):
    """(bytes, [Stream]) of one buffer; what is cut short or damaged is left out and said in notes."""
    if not buffer.packed:
        return source.data, _streams_in_file(buffer, len(source.data), source.path, notes)
    parts = [_chunks(Cursor(memoryview(source.data), source.path, offset), size + 4, notes) for _, offset, size in buffer.cpus]
    total = sum(size for chunks in parts for _, size, _ in chunks)
    if total > UNPACKED_BYTES_MAX:
        raise FormatError(f"{total} bytes of events when unpacked", source.path, "split it with trace-cmd split")
    data, streams, end = np.empty(total, np.uint8), [], 0
    for (cpu, _, _), chunks in zip(buffer.cpus, parts, strict=True):
        start = end
        for packed, size, where in chunks:
            try:
                data[end : end + size] = np.frombuffer(trace.unpack(packed, size, where), np.uint8)
            except FormatError as error:
                notes.append(f"{error.line()}; the rest of CPU {cpu} is not read")
                break
            end += size
        streams.append(Stream(cpu=cpu, start=start, end=end))
    return data, streams


def _chunks(cursor, size, notes):
    """[(packed bytes, size unpacked, where)] of one CPU, as far as they lie in the file."""
    chunks, end = [], cursor.at + size
    try:
        for _ in range(cursor.number(4) if size > 4 else 0):
            if cursor.at >= end:
                break
            where, packed_size, unpacked_size = cursor.where(), cursor.number(4), cursor.number(4)
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
