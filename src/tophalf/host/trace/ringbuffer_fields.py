"""Fields of ring buffer records with numpy, one event id at a time: the form for tables too small to be worth compiling.

Gives the same columns as ringbuffer_kernels.extract, which does it one event at a time; each is the other's test.
"""

import numpy as np

from tophalf.host.trace import ringbuffer_kernels as kernel


def read_fields(data, words, wheres, layouts):
    """Columns of the records at `wheres` (packed as ringbuffer_kernels.walk does).

    Args: data: uint8[n]; words: the same as int32[n / 4]; layouts: ringbuffer.Layouts.
    Returns: (columns without time_ns and cpu, strings in order of first appearance, tasks {pid: comm}, records that are
    too short for their format).
    """
    records = _Records(data, words, wheres)
    short = 0
    for event_id in np.unique(records.ids).tolist():
        layout = layouts.table[min(event_id, len(layouts.table) - 1)].tolist()
        short += records.read_event(event_id, layout, layouts.static_names)
    return records.columns, records.name_strings(), records.tasks(), short


class _Records:
    """Columns under construction, and the names found so far."""

    def __init__(self, data, words, wheres):
        self.words, self.text = words, data.tobytes()
        self.at, self.length = (wheres >> 16) & kernel.OFFSET_MASK, wheres & kernel.LENGTH_MASK
        self.columns = _empty_columns(len(wheres))
        common = words[self.at >> 2]
        lost = np.where(wheres & kernel.LOST_BEFORE, kernel.FLAG_LOST_BEFORE, 0)
        self.columns["flags"][:] = common >> 16 & 0xFF | lost
        self.columns["preempt"][:] = common >> 24 & 0xFF
        self.columns["pid"] = words[(self.at >> 2) + 1]
        self.ids = common & 0xFFFF
        self.names = {}  # name: [temporary number, first row]
        self.comms = []  # (rows, pids, starts, ends) of each event that names tasks

    def read_event(self, event_id, layout, static_names):
        """Fill in all rows of one event id. Returns how many records are too short for their format."""
        rows = np.flatnonzero(self.ids == event_id)
        whole = self.length[rows] >= layout[kernel.LENGTH_MIN]
        if layout[kernel.KIND] == 0 or not whole.all():
            self.columns["a"][rows] = event_id
        short, rows = int((~whole).sum()), rows[whole]
        if not len(rows):
            return short
        self.columns["kind"][rows] = layout[kernel.KIND]
        for name, column in (("a", kernel.A), ("b", kernel.B), ("c", kernel.C)):
            if layout[column + kernel.MASK]:
                self.columns[name][rows] = self._integers(rows, *layout[column : column + 5])
        if layout[kernel.STATIC] >= 0:
            self.columns["name"][rows] = self._number(static_names[layout[kernel.STATIC]], int(rows[0]))
        if layout[kernel.NAME_FORM]:
            self._read_names(rows, layout)
        return short

    def _integers(self, rows, index, shift, mask, sign, wide):
        """The field of the records in `rows`; for the arguments see ringbuffer_kernels, layout row."""
        at = (self.at[rows] >> 2) + index
        values = ((self.words[at].astype(np.int64) >> shift & mask) ^ sign) - sign
        return values | self.words[at + 1].astype(np.int64) << 32 if wide else values

    def _read_names(self, rows, layout):
        starts, ends = self._name_spans(rows, layout)
        known, text, numbers = {}, self.text, []
        for row, start, end in zip(rows.tolist(), starts.tolist(), ends.tolist(), strict=True):
            raw = text[start:end]
            number = known.get(raw)
            if number is None:
                number = known[raw] = self._number(_text(raw), row) if end > start else -1
            numbers.append(number)
        self.columns["name"][rows] = numbers
        if layout[kernel.NAMES_TASK]:
            self.comms.append((rows, self.columns["a"][rows], starts, ends))
        if layout[kernel.PREV_COMM]:
            starts = self.at[rows] + layout[kernel.PREV_COMM]
            self.comms.append((rows, self.columns["pid"][rows], starts, starts + kernel.COMM_SIZE))

    def _name_spans(self, rows, layout):
        at, form = self.at[rows], layout[kernel.NAME_FORM]
        field = at + layout[kernel.NAME]
        if form == kernel.NAME_IN_PLACE:
            return field, field + layout[kernel.NAME_SIZE]
        location = self.words[field >> 2].astype(np.int64) & kernel.WORD
        starts = (location & 0xFFFF) + (at if form == kernel.NAME_DATA_LOC else field + 4)
        ends = starts + (location >> 16)
        inside = ends <= at + self.length[rows]
        return np.where(inside, starts, 0), np.where(inside, ends, 0)

    def _number(self, name, row):
        entry = self.names.setdefault(name, [len(self.names), row])
        entry[1] = min(entry[1], row)
        return entry[0]

    def name_strings(self):
        """The names in order of their first rows; numbers the column `name` to match."""
        in_order = sorted(self.names.items(), key=lambda item: item[1][1])
        final = np.full(len(in_order) + 1, -1, np.int32)  # the last place is for "none"
        final[[number for _, (number, _) in in_order]] = np.arange(len(in_order))
        self.columns["name"] = final[self.columns["name"]]
        return [name for name, _ in in_order]

    def tasks(self):
        """{pid: comm}; the last event that names a pid wins."""
        found = {}
        for rows, pids, starts, ends in self.comms:
            for row, pid, start, end in zip(rows.tolist(), pids.tolist(), starts.tolist(), ends.tolist(), strict=True):
                if 0 <= pid < kernel.PIDS_MAX and end > start and row >= found.get(pid, (0, 0, 0))[0]:
                    found[pid] = (row, start, end)
        return {pid: _text(self.text[start:end]) for pid, (_, start, end) in sorted(found.items())}


def _empty_columns(count):
    integers = {"kind": np.uint8, "flags": np.uint16, "preempt": np.uint8, "a": np.int64, "b": np.int64, "c": np.int32}
    columns = {name: np.zeros(count, dtype) for name, dtype in integers.items()}
    columns["name"] = np.full(count, -1, np.int32)
    return columns


def _text(raw):
    return raw.partition(b"\0")[0].decode("utf-8", "surrogateescape")
