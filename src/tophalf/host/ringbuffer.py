"""Ring buffer pages into columns of the event table: what a trace.dat and a recording have in common.

`decode` is given the bytes, where each CPU's pages lie in them, and the event formats. Inner loops: ringbuffer_kernels (one
source, plain or compiled) and, for fields in the plain form, ringbuffer_fields (numpy).
"""

import numpy as np

from tophalf import vocab
from tophalf.compiled import kernels
from tophalf.errors import FormatError
from tophalf.frozen import Frozen
from tophalf.host import formats as fmt
from tophalf.host import ringbuffer_kernels as kernel

EVENT_BYTES_MIN = 12  # event word and the 8 common bytes of a record
EVENT_BYTES_USUAL = 28  # seen in traces of irq, napi, workqueue and sched events; only decides plain or compiled

# Event: (kind, the fields behind columns a, b, c and name), by system and name as in include/trace/events/*.h. A field
# that a kernel does not have leaves its column at 0 (name: -1): workqueue_execute_end has `function` since 5.4 only.
INTERPRETED = {
    ("irq", "irq_handler_entry"): (vocab.IRQ_HANDLER_ENTRY, "irq", None, None, "name"),
    ("irq", "irq_handler_exit"): (vocab.IRQ_HANDLER_EXIT, "irq", "ret", None, None),
    ("irq", "softirq_raise"): (vocab.SOFTIRQ_RAISE, "vec", None, None, None),
    ("irq", "softirq_entry"): (vocab.SOFTIRQ_ENTRY, "vec", None, None, None),
    ("irq", "softirq_exit"): (vocab.SOFTIRQ_EXIT, "vec", None, None, None),
    ("irq", "tasklet_entry"): (vocab.TASKLET_ENTRY, "tasklet", "func", None, None),
    ("irq", "tasklet_exit"): (vocab.TASKLET_EXIT, "tasklet", "func", None, None),
    ("napi", "napi_poll"): (vocab.NAPI_POLL, "napi", "work", "budget", "dev_name"),
    ("workqueue", "workqueue_queue_work"): (vocab.WORKQUEUE_QUEUE_WORK, "work", "function", "cpu", "workqueue"),
    ("workqueue", "workqueue_activate_work"): (vocab.WORKQUEUE_ACTIVATE_WORK, "work", "function", None, None),
    ("workqueue", "workqueue_execute_start"): (vocab.WORKQUEUE_EXECUTE_START, "work", "function", None, None),
    ("workqueue", "workqueue_execute_end"): (vocab.WORKQUEUE_EXECUTE_END, "work", "function", None, None),
    ("sched", "sched_switch"): (vocab.SCHED_SWITCH, "next_pid", "prev_state", "next_prio", "next_comm"),
    ("sched", "sched_wakeup"): (vocab.SCHED_WAKEUP, "pid", "target_cpu", "prio", "comm"),
    ("sched", "sched_waking"): (vocab.SCHED_WAKING, "pid", "target_cpu", "prio", "comm"),
}
_COMMON = {"common_type": (0, 2), "common_flags": (2, 1), "common_preempt_count": (3, 1), "common_pid": (4, 4)}
_FORMS = {fmt.TEXT: kernel.NAME_IN_PLACE, fmt.DATA_LOC: kernel.NAME_DATA_LOC, fmt.REL_LOC: kernel.NAME_REL_LOC}
_NAMES_TASK = (vocab.SCHED_SWITCH, vocab.SCHED_WAKEUP, vocab.SCHED_WAKING)


class Stream(Frozen):
    """One CPU's pages in one buffer: bytes start..end of the data."""

    __slots__ = ("cpu", "start", "end")


class Layouts(Frozen):
    """What to do with a record, by event id. table: int64[id + 1, LAYOUT_COLUMNS], the last row for ids without a format;
    static_names: names that come from the format, not from the record."""

    __slots__ = ("table", "static_names")


class Decoded(Frozen):
    """columns: {column: array}, rows in (time, cpu, sequence) order; strings; tasks {pid: comm} as far as events name them;
    gaps: {cpu: events lost by page flags, None when only "some"}; notes: what was wrong, for people."""

    __slots__ = ("columns", "strings", "tasks", "gaps", "notes")


def interpretation(system, name):
    """(kind, a, b, c, name field) of an event, or None for one that is only counted."""
    if system == "irq_vectors":
        for end, kind in (("_entry", vocab.VECTOR_ENTRY), ("_exit", vocab.VECTOR_EXIT)):
            if name.endswith(end):
                return kind, "vector", None, None, None
    return INTERPRETED.get((system, name))


def static_name(system, name):
    """The name an event carries when its record holds none: local_timer of local_timer_entry, else the event's own."""
    return name.rpartition("_")[0] if interpretation(system, name) and system == "irq_vectors" else name


def layout_table(formats):
    """Layouts of {id: Format}."""
    table = np.zeros((max(formats, default=0) + 2, kernel.LAYOUT_COLUMNS), np.int64)
    table[:, kernel.STATIC] = -1
    table[:, kernel.LENGTH_MIN] = kernel.RECORD_BYTES_MIN
    names = {}
    for event_id, event in formats.items():
        known = interpretation(event.system, event.name)
        if known:
            table[event_id] = _layout_row(event, known)
        if not known or event.system == "irq_vectors":
            table[event_id, kernel.STATIC] = names.setdefault(static_name(event.system, event.name), len(names))
    return Layouts(table=table, static_names=list(names))


def _layout_row(event, known):
    fields, row = event.fields, [0] * kernel.LAYOUT_COLUMNS
    for name, (offset, size) in _COMMON.items():
        if name not in fields or (fields[name].offset, fields[name].size) != (offset, size):
            raise FormatError(f"{name} is not at its usual place in the format of {event.name}", f"format of {event.name}")
    row[kernel.KIND], row[kernel.STATIC], length = known[0], -1, kernel.RECORD_BYTES_MIN
    for column, name in zip((kernel.A, kernel.B, kernel.C), known[1:4], strict=True):
        field = fields.get(name)
        if field and field.form == fmt.VALUE and field.size in (1, 2, 4, 8):
            row[column], row[column + 1] = field.offset, -field.size if field.signed else field.size
            length = max(length, field.offset + field.size)
    field = fields.get(known[4])
    if field and field.form != fmt.VALUE:
        row[kernel.NAME], row[kernel.NAME_FORM], row[kernel.NAME_SIZE] = field.offset, _FORMS[field.form], field.size
        length = max(length, field.offset + field.size)
    if known[0] in _NAMES_TASK:
        row[kernel.NAMES_TASK] = 1
        previous = fields.get("prev_comm")
        if previous and (previous.form, previous.size) == (fmt.TEXT, kernel.COMM_SIZE):
            row[kernel.PREV_COMM] = previous.offset
            length = max(length, previous.offset + previous.size)
    row[kernel.LENGTH_MIN] = length
    return row


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
    module, is_compiled = kernels("tophalf.host.ringbuffer_kernels", rows)
    bytes_, words = _views(data)
    walked = _walk_all(module, is_compiled, words, streams, page_size, commit_size)
    times, wheres, cpus = _merge(walked, streams)
    from tophalf.host.ringbuffer_fields import read_fields

    columns, strings, tasks, short = read_fields(bytes_, words, wheres, layouts)
    columns["time_ns"], columns["cpu"] = times, cpus
    return Decoded(columns=columns, strings=strings, tasks=tasks, gaps=_gaps(walked, streams), notes=_notes(walked, streams, short))


def _views(data):
    data = np.frombuffer(data, np.uint8)
    if len(data) % 4:
        data = data[: len(data) & ~3]
    return data, data.view(np.int32)


def _walk_all(module, is_compiled, words, streams, page_size, commit_size):
    """One (times, wheres, damaged, backward, gaps, lost) for each stream."""
    walked = []
    source = words if is_compiled else memoryview(words)
    for stream in streams:
        room = (stream.end - stream.start) // EVENT_BYTES_MIN + 1
        times, wheres = np.empty(room, np.int64), np.empty(room, np.int64)
        into = (times, wheres) if is_compiled else (memoryview(times), memoryview(wheres))
        count, *counts = module.walk(source, stream.start, stream.end, page_size, commit_size, *into)
        walked.append((times[:count], wheres[:count], *counts))
    return walked


def _merge(walked, streams):
    if not walked:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int32)
    times = np.concatenate([times for times, *_ in walked])
    wheres = np.concatenate([wheres for _, wheres, *_ in walked])
    cpus = np.repeat([stream.cpu for stream in streams], [len(times) for times, *_ in walked]).astype(np.int32)
    order = np.argsort(times, kind="stable")
    return times[order], wheres[order], cpus[order]


def _gaps(walked, streams):
    found = {}
    for stream, (_, _, _, _, gaps, lost) in zip(streams, walked, strict=True):
        if gaps or lost:
            found[stream.cpu] = None if gaps or found.get(stream.cpu, 0) is None else found.get(stream.cpu, 0) + lost
    return found


def _notes(walked, streams, short):
    notes = [f"{short} records are shorter than their format says; their fields are not read"] if short else []
    for stream, (_, _, damaged, backward, _, _) in zip(streams, walked, strict=True):
        if damaged:
            notes.append(f"CPU {stream.cpu}: {damaged} damaged pages in the trace; the rest of each is not read")
        if backward:
            notes.append(f"CPU {stream.cpu}: time steps back {backward} times in the trace; its events were sorted by time")
    return notes
