"""An event table as ring buffer pages and the `format` texts that describe them: what a recording keeps of a trace.

Each event gets a layout of our own: arguments a and b in 64 bits, c in 32, a name as __data_loc. Field names are the
kernel's, so that whoever reads recordings finds them. Page form: kernel/trace/ring_buffer.c (struct buffer_data_page).
"""

import numpy as np

from tophalf import vocab
from tophalf.errors import FormatError

DATA_BYTES = 4096 - 16  # of a page, behind time stamp and commit
DELTA_BITS = 27
SHORT_BYTES_MAX = 28 * 4  # of a record whose length stands in the event word
TIME_EXTEND = 30
MISSED_EVENTS = np.int64(1 << 31)
HEADER_PAGE = (
    "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
    f"\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n\tfield: char data;\toffset:16;\tsize:{DATA_BYTES};\tsigned:0;\n"
)
_COMMON = (("unsigned short common_type", 0, 2, 0), ("unsigned char common_flags", 2, 1, 0),
           ("unsigned char common_preempt_count", 3, 1, 0), ("int common_pid", 4, 4, 1))  # fmt: skip
_SYSTEMS = {"irq": "irq", "softirq": "irq", "tasklet": "irq", "napi": "napi", "workqueue": "workqueue", "sched": "sched"}
_FIELD_NAMES = {"action": "name"}  # what vocab calls otherwise than the kernel
_OTHER_SYSTEM = "other"


class Events:
    """Which number each event bears. formats: {(system, event): text}; ids: int64 a row; strings: bytes by name, padded."""

    def __init__(self, table):
        self.formats, self.ids = {}, np.zeros(len(table), np.int64)
        self._taken = set(np.unique(table.a[table.kind == vocab.OTHER]).tolist())
        for kind in np.unique(table.kind).tolist():
            rows = np.flatnonzero(table.kind == kind)
            if kind == vocab.OTHER:
                self._number_others(table, rows)
            elif kind in (vocab.VECTOR_ENTRY, vocab.VECTOR_EXIT):
                self._number_vectors(table, kind, rows)
            else:
                name = vocab.EVENT_NAMES[kind]
                self.ids[rows] = self._add(_SYSTEMS[name.partition("_")[0]], name, kind)

    def _number_others(self, table, rows):
        pairs = np.unique(np.stack([table.a[rows], table.name[rows].astype(np.int64)]), axis=1)
        for event_id, name in pairs.T.tolist():
            if not 0 < event_id < 1 << 16:
                raise FormatError(f"event number {event_id} does not fit a record", "events")
            if name >= 0:
                self.formats[_OTHER_SYSTEM, table.text(name)] = format_text(table.text(name), event_id, vocab.OTHER)
        self.ids[rows] = table.a[rows]

    def _number_vectors(self, table, kind, rows):
        end = "_entry" if kind == vocab.VECTOR_ENTRY else "_exit"
        for name in np.unique(table.name[rows]).tolist():
            event = (table.text(name) or "unknown") + end
            self.ids[rows[table.name[rows] == name]] = self._add("irq_vectors", event, kind)

    def _add(self, system, name, kind):
        event_id = next(number for number in range(1, 1 << 16) if number not in self._taken)
        self._taken.add(event_id)
        self.formats[system, name] = format_text(name, event_id, kind)
        return event_id


def has_name(kind):
    """Whether records of a kind hold their name themselves; a vector's is in the name of its event."""
    return kind not in (vocab.OTHER, vocab.VECTOR_ENTRY, vocab.VECTOR_EXIT) and vocab.EVENT_ARGUMENTS[kind][3] is not None


def format_text(name, event_id, kind):
    """A format file as tracefs has it."""
    fields, at = list(_COMMON), 8
    arguments = vocab.EVENT_ARGUMENTS[kind] if kind != vocab.OTHER else (None,) * 4
    for argument, ctype, size in zip(arguments[:3], ("s64", "s64", "int"), (8, 8, 4), strict=True):
        if argument:
            fields.append((f"{ctype} {argument}", at, size, 1))
            at += size
    if has_name(kind):
        fields.append((f"__data_loc char[] {_FIELD_NAMES.get(arguments[3], arguments[3])}", at, 4, 0))
    lines = "".join(f"\tfield:{text};\toffset:{at};\tsize:{size};\tsigned:{sign};\n" for text, at, size, sign in fields)
    return f'name: {name}\nID: {event_id}\nformat:\n{lines}\nprint fmt: ""\n'


def _fixed_bytes(kind):
    """Bytes of a record without its name's text."""
    if kind == vocab.OTHER:
        return 8
    arguments = vocab.EVENT_ARGUMENTS[kind]
    return 8 + 8 * bool(arguments[0]) + 8 * bool(arguments[1]) + 4 * bool(arguments[2]) + 4 * has_name(kind)


def pages(table, ids, rows):
    """The pages of one CPU, each cut after its committed bytes. rows: indices of its events, in order. Returns bytes."""
    if not len(rows):
        return b""
    kinds, times = table.kind[rows], table.time_ns[rows]
    if times[0] < 0:
        raise FormatError("a time before 0 has no place in a ring buffer", "events")
    texts, lengths = _texts(table.strings)
    names = np.where(np.array([has_name(kind) for kind in range(len(vocab.EVENT_NAMES))])[kinds], table.name[rows], -1)
    fixed = np.array([_fixed_bytes(kind) for kind in range(len(vocab.EVENT_NAMES))])[kinds]
    records = fixed + (lengths[names] + 3 & ~3)
    heads = np.where(records > SHORT_BYTES_MAX, 8, 4)
    deltas = np.diff(times, prepend=times[0])
    extended = deltas >> DELTA_BITS > 0
    lost = (table.flags[rows] & vocab.FLAG_LOST_BEFORE) != 0
    firsts = _page_firsts(heads + records + 8 * extended, extended, lost)
    deltas[firsts], extended[firsts] = 0, False
    sizes = heads + records + 8 * extended
    page = np.zeros(len(rows), np.int64)
    page[firsts] = 1
    ends = np.cumsum(sizes + 16 * page)
    words = np.zeros(int(ends[-1]) >> 2, np.int32)
    starts = (ends - sizes) >> 2
    _write_headers(words, starts[firsts] - 4, times[firsts], np.add.reduceat(sizes, firsts), lost[firsts])
    at = _write_heads(words, starts, deltas, extended, records)
    _write_records(words, at, table, ids, rows, kinds)
    _write_names(words, at, fixed, names, texts, lengths)
    return words.tobytes()


def _page_firsts(sizes, extended, lost):
    """Rows that begin a page: where the one before is full, and after lost events. The first needs no TIME_EXTEND."""
    ends, at, firsts = np.cumsum(sizes), 0, []
    breaks = [*np.flatnonzero(lost).tolist(), len(sizes)]
    upcoming = 0
    while at < len(sizes):
        firsts.append(at)
        while breaks[upcoming] <= at:
            upcoming += 1
        room = int(ends[at]) - int(sizes[at]) + 8 * int(extended[at]) + DATA_BYTES
        at = min(max(int(np.searchsorted(ends, room, "right")), at + 1), breaks[upcoming])
    return np.array(firsts)


def _write_headers(words, at, times, commits, lost):
    commits = commits | np.where(lost, MISSED_EVENTS, 0)
    for place, value in ((0, times), (1, times >> 32), (2, commits)):
        words[at + place] = value.astype(np.uint32).view(np.int32)


def _write_heads(words, at, deltas, extended, records):
    """Event words. Returns where each record begins."""
    low = (deltas & (1 << DELTA_BITS) - 1) << 5
    words[at[extended]] = (low[extended] | TIME_EXTEND).astype(np.uint32).view(np.int32)
    words[at[extended] + 1] = (deltas[extended] >> DELTA_BITS).astype(np.uint32).view(np.int32)
    at = at + 2 * extended
    long = records > SHORT_BYTES_MAX
    head = np.where(extended, 0, low) | np.where(long, 0, records >> 2)
    words[at] = head.astype(np.uint32).view(np.int32)
    words[at[long] + 1] = records[long] + 4
    return at + 1 + long


def _write_records(words, at, table, ids, rows, kinds):
    common = ids[rows] | (table.flags[rows].astype(np.int64) & 0xFF) << 16 | table.preempt[rows].astype(np.int64) << 24
    words[at] = common.astype(np.uint32).view(np.int32)
    words[at + 1] = table.pid[rows]
    for kind in np.unique(kinds).tolist():
        if kind == vocab.OTHER:
            continue
        mine, place = np.flatnonzero(kinds == kind), 2
        for argument, column in zip(vocab.EVENT_ARGUMENTS[kind][:3], ("a", "b", "c"), strict=True):
            if argument:
                values = getattr(table, column)[rows[mine]]
                words[at[mine] + place] = values.astype(np.uint32).view(np.int32)
                if column != "c":
                    words[at[mine] + place + 1] = (values >> 32).astype(np.int32)
                place += 1 if column == "c" else 2


def _write_names(words, at, fixed, names, texts, lengths):
    named = np.flatnonzero(names >= 0)
    at, fixed, names = at[named], fixed[named], names[named]
    words[at + (fixed >> 2) - 1] = lengths[names] << 16 | fixed
    for place in range(texts.shape[1]):
        longer = lengths[names] > 4 * place
        words[at[longer] + (fixed[longer] >> 2) + place] = texts[names[longer], place]


def _texts(strings):
    """(int32[name, word] of texts, bytes of each with its end; the last is for no name and has none)."""
    raw = [text.encode("utf-8", "surrogateescape") + b"\0" for text in strings]
    width = max([-(-len(text) // 4) for text in raw], default=1)
    texts = np.frombuffer(b"".join(text.ljust(4 * width, b"\0") for text in raw) + bytes(4 * width), np.int32)
    return texts.reshape(-1, width), np.array([*map(len, raw), 0], np.int64)
