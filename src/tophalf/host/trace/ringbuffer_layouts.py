"""Which events are interpreted, and where their records hold what: formats of a kernel turned into a table for decoding."""

import numpy as np

from tophalf import vocab
from tophalf.errors import FormatError
from tophalf.frozen import Frozen
from tophalf.host.trace import formats as fmt
from tophalf.host.trace import ringbuffer_kernels as kernel

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


class Layouts(Frozen):
    """What to do with a record, by event id. table: int64[id + 1, LAYOUT_COLUMNS], the last row for ids without a format;
    static_names: names that come from the format, not from the record."""

    __slots__ = ("table", "static_names")


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
    table[:, kernel.A + kernel.MASK] = 0xFFFF  # common_type, for what is not interpreted
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
        if field and field.form == fmt.VALUE and _is_aligned(field):
            row[column : column + 5] = _integer_layout(field, narrow=column == kernel.C)
            length = max(length, field.offset + field.size)
    field = fields.get(known[4])
    if field and (field.form == fmt.TEXT or field.form != fmt.VALUE and field.offset % 4 == 0):
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


def _is_aligned(field):
    """Whether the field is as the compiler of the kernel lays it: a C integer on a multiple of its size, 64 bits of 4."""
    return field.size in (1, 2, 4, 8) and field.offset % min(field.size, 4) == 0


def _integer_layout(field, narrow):
    """INDEX, SHIFT, MASK, SIGN, WIDE of a field. narrow: for a column of 32 bits, which cannot hold more."""
    bits = min(8 * field.size, 32)
    sign = 1 << bits - 1 if field.signed or (narrow and bits == 32) else 0
    wide = field.size == 8 and not narrow
    return field.offset // 4, field.offset % 4 * 8, (1 << bits) - 1, 0 if wide else sign, int(wide)
