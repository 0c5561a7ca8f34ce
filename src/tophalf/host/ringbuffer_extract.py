"""Fields of ring buffer records through the kernel `extract`: arrays for it, and texts made of what it found."""

import numpy as np

from tophalf.host import ringbuffer_kernels as kernel

_DTYPES = {
    "kind": np.uint8, "pid": np.int32, "flags": np.uint16, "preempt": np.uint8, "a": np.int64, "b": np.int64,
    "c": np.int32, "name": np.int32,
}  # fmt: skip


def extract_fields(module, data, words, wheres, layouts):
    """As ringbuffer_fields.read_fields. module: ringbuffer_kernels in either form."""
    rows = len(wheres)
    columns = module.Columns(**{name: np.empty(rows, dtype) for name, dtype in _DTYPES.items()})
    names, tasks = _names(module, rows, len(layouts.static_names)), _tasks(module, rows)
    # The plain form reads and writes memoryviews: quicker than arrays, and their integers are Python's.
    give = _same if module is not kernel else _as_views
    short = module.extract(*give((words, data, wheres, layouts.table)), give(columns), give(names), give(tasks))
    strings = _strings(data, names, layouts.static_names)
    strings, columns = _each_once(strings, columns._asdict())
    return columns, strings, _comms(data, tasks), short


def _names(module, rows, static_count):
    """Room for a text a row; what is not used is never touched, so costs nothing."""
    return module.Names(
        slots=np.zeros(1 << (2 * rows).bit_length(), np.int32), starts=np.empty(rows + 1, np.int64),
        lengths=np.zeros(rows + 1, np.int32), statics=np.full(static_count + 1, -1, np.int32),
        guesses=np.zeros(kernel.GUESSES, np.int32), count=np.zeros(1, np.int64),
    )  # fmt: skip


def _tasks(module, rows):
    return module.Tasks(
        slots=np.zeros(kernel.PIDS_MAX, np.int32), pids=np.empty(2 * rows, np.int32), starts=np.empty(2 * rows, np.int64),
        lengths=np.empty(2 * rows, np.int32), count=np.zeros(1, np.int64),
    )  # fmt: skip


def _same(arrays):
    return arrays


def _as_views(arrays):
    views = map(memoryview, arrays)
    return type(arrays)(*views) if hasattr(arrays, "_fields") else tuple(views)


def _strings(data, names, static_names):
    count = int(names.count[0])
    starts, lengths = names.starts[:count].tolist(), names.lengths[:count].tolist()
    return [
        static_names[-1 - start] if start < 0 else _text(data[start : start + length].tobytes())
        for start, length in zip(starts, lengths, strict=True)
    ]


def _each_once(strings, columns):
    """A text of a record can be equal to a name of a format: one number for both."""
    first = {}
    numbers = [first.setdefault(text, len(first)) for text in strings]
    if len(first) < len(strings):
        columns["name"] = np.array([*numbers, -1], np.int32)[columns["name"]]
    return list(first), columns


def _comms(data, tasks):
    count = int(tasks.count[0])
    found = zip(tasks.pids[:count].tolist(), tasks.starts[:count].tolist(), tasks.lengths[:count].tolist(), strict=True)
    return {pid: _text(data[start : start + length].tobytes()) for pid, start, length in sorted(found)}


def _text(raw):
    return raw.partition(b"\0")[0].decode("utf-8", "surrogateescape")
