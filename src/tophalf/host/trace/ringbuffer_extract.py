"""Fields of ring buffer records through the kernel `extract`: arrays for it, and texts made of what it found."""

import mmap

import numpy as np

from tophalf.compiled import run_both
from tophalf.host.trace import ringbuffer_kernels as kernel

TWO_THREADS_ROWS_MIN = 200_000  # some 3 ms of work
_DTYPES = {
    "kind": np.uint8, "pid": np.int32, "flags": np.uint16, "preempt": np.uint8, "a": np.int64, "b": np.int64,
    "c": np.int32, "name": np.int32,
}  # fmt: skip


def extract_fields(module, data, words, wheres, layouts, half=None, prepare=None):
    """As ringbuffer_fields.read_fields. module: ringbuffer_kernels in either form.

    Many rows are read in two threads, rows up to `half` in one. prepare(first, last) is called before rows first..last of
    `wheres` are looked at, in the thread that will.
    """
    rows = len(wheres)
    columns = module.Columns(**{name: np.empty(rows, dtype) for name, dtype in _DTYPES.items()})

    def part(first, last):
        if prepare:
            prepare(first, last)
        return _extract(module, data, words, wheres[first:last], layouts, [column[first:last] for column in columns])

    half = rows if rows < TWO_THREADS_ROWS_MIN else rows // 2 if half is None else half
    parts = [part(0, rows)] if half == rows else run_both(lambda: part(0, half), lambda: part(half, rows))
    strings, tasks = {}, {}
    for (found, comms, _), numbers in zip(parts, (columns.name[:half], columns.name[half:]), strict=False):
        _renumber(numbers, found, strings)
        tasks |= comms
    return columns._asdict(), list(strings), dict(sorted(tasks.items())), sum(short for *_, short in parts)


def _extract(module, data, words, wheres, layouts, columns):
    """Fill in columns. Returns (texts by number, {pid: comm}, records too short for their format)."""
    names, tasks = _names(module, len(wheres), len(layouts.static_names)), _tasks(module, len(wheres))
    # The plain form reads and writes memoryviews: quicker than arrays, and their integers are Python's.
    give = list if module is not kernel else lambda arrays: list(map(memoryview, arrays))
    inputs, columns = give((words, data, wheres, layouts.table)), module.Columns(*give(columns))
    short = module.extract(*inputs, columns, module.Names(*give(names)), module.Tasks(*give(tasks)))
    return _strings(data, names, layouts.static_names), _comms(data, tasks), short


def _names(module, rows, static_count):
    """Room for a text a row; what is not used is never touched, so costs nothing."""
    lengths = np.empty(rows + 1, np.int32)
    lengths[0] = 0  # looked at by the first guess, before there is a text
    return module.Names(
        slots=_zeros(1 << (2 * rows).bit_length(), np.int32), starts=np.empty(rows + 1, np.int64),
        lengths=lengths, statics=np.full(static_count + 1, -1, np.int32),
        guesses=np.zeros(kernel.GUESSES, np.int32), count=np.zeros(1, np.int64),
    )  # fmt: skip


def _tasks(module, rows):
    return module.Tasks(comms=_zeros(kernel.PIDS_MAX, np.int64), pids=np.empty(2 * rows, np.int32), count=np.zeros(1, np.int64))


def _zeros(count, dtype):
    """Zeros that cost nothing until they are touched: numpy.zeros clears memory that malloc has used before, 10 ms here."""
    return np.frombuffer(mmap.mmap(-1, count * np.dtype(dtype).itemsize), dtype)


def _strings(data, names, static_names):
    count = int(names.count[0])
    starts, lengths = names.starts[:count].tolist(), names.lengths[:count].tolist()
    return [
        static_names[-1 - start] if start < 0 else _text(data[start : start + length].tobytes())
        for start, length in zip(starts, lengths, strict=True)
    ]


def _renumber(numbers, found, strings):
    """Number texts across parts, each once: one in a record can also be equal to the name of an event."""
    final = [strings.setdefault(text, len(strings)) for text in found]
    if final != list(range(len(final))):
        numbers[:] = np.array([*final, -1], np.int32)[numbers]


def _comms(data, tasks):
    pids = tasks.pids[: int(tasks.count[0])]
    found = zip(pids.tolist(), tasks.comms[pids].tolist(), strict=True)
    return {pid: _text(data[place >> 16 : (place >> 16) + (place & 0xFFFF)].tobytes()) for pid, place in found}


def _text(raw):
    return raw.partition(b"\0")[0].decode("utf-8", "surrogateescape")
