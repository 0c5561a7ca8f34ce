"""The event table: one row per kernel event, the same for a recorded and for a simulated machine.

Columns are numpy arrays of one length, rows in (time, cpu, sequence) order:

    time_ns  int64   trace clock, nanoseconds (the clock's name is in `clock`)
    cpu      int32   where the event happened
    kind     uint8   vocab.IRQ_HANDLER_ENTRY, ...; vocab.OTHER for a tracepoint tophalf does not interpret
    pid      int32   the task that was current (0: idle), common_pid
    flags    uint16  vocab.FLAG_*: common_flags, and FLAG_LOST_BEFORE
    preempt  uint8   common_preempt_count: low nibble preempt depth, high nibble migrate-disable depth
    a, b     int64   arguments, per kind: vocab.EVENT_ARGUMENTS
    c        int32
    name     int32   index into `strings`, -1 for none
"""

import hashlib

import numpy as np

from tophalf.frozen import Frozen

COLUMNS = (
    ("time_ns", np.int64), ("cpu", np.int32), ("kind", np.uint8), ("pid", np.int32), ("flags", np.uint16),
    ("preempt", np.uint8), ("a", np.int64), ("b", np.int64), ("c", np.int32), ("name", np.int32),
)  # fmt: skip


class EventTable(Frozen):
    """Events and what is needed to read them.

    strings: list of str that `name` indexes. tasks: {pid: comm} as far as seen. symbols: object whose `name(address)`
    gives a kernel function's name (or None). cpus: sorted tuple of CPUs that were traced. clock: "mono", "local", ...
    lost: {cpu: events lost there, or None when the number is unknown}; {} when nothing was lost. source: for messages.
    """

    __slots__ = (*(name for name, _ in COLUMNS), "strings", "tasks", "symbols", "cpus", "clock", "lost", "source")

    def __len__(self):
        return len(self.time_ns)

    @property
    def span_ns(self):
        """Time from the first to the last event, 0 for fewer than two."""
        return int(self.time_ns[-1] - self.time_ns[0]) if len(self) else 0

    @property
    def lost_events(self):
        """Events lost in all: an int, or None where only "some" is known."""
        if any(count is None for count in self.lost.values()):
            return None
        return sum(self.lost.values())

    def rows(self, selection):
        """The table of the rows a slice, mask or index array selects."""
        return self.replace(**{name: getattr(self, name)[selection] for name, _ in COLUMNS})

    def text(self, index):
        """The string behind one value of the column `name`, or None."""
        return self.strings[index] if index >= 0 else None

    def function(self, address):
        """A kernel function's name, or its address in hex where no symbol is known."""
        return (self.symbols.name(address) if self.symbols else None) or f"{address & (1 << 64) - 1:#x}"

    def digest(self):
        """SHA-256 of everything an event says: equal digests, equal traces."""
        sha = hashlib.sha256()
        for name, dtype in COLUMNS:
            sha.update(np.ascontiguousarray(getattr(self, name), dtype).tobytes())
        sha.update("\0".join(self.strings).encode())
        return sha.hexdigest()


def make_table(columns, **fields):
    """A table from {column: sequence}; columns that are not given are zero (name: -1). Sorts nothing.

    Raises: ValueError when lengths differ or time runs backwards.
    """
    length = len(columns["time_ns"])
    arrays = {}
    for name, dtype in COLUMNS:
        values = columns.get(name)
        fill = -1 if name == "name" else 0
        arrays[name] = np.full(length, fill, dtype) if values is None else np.asarray(values, dtype)
        if len(arrays[name]) != length:
            raise ValueError(f"column {name} has {len(arrays[name])} rows, time_ns {length}")
    times = arrays["time_ns"]
    if (times[1:] < times[:-1]).any():
        raise ValueError("time runs backwards")
    if "cpus" not in fields:
        fields["cpus"] = tuple(np.unique(arrays["cpu"]).tolist())
    return EventTable(**arrays, **{"strings": [], "tasks": {}, "clock": "unknown", "lost": {}, **fields})
