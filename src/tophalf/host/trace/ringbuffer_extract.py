"""Fields of ring buffer records through the kernel `extract`: arrays for it, and texts made of what it found."""

import mmap

import numpy as np

from tophalf.compiled import run_both
from tophalf.host.trace import ringbuffer_kernels as kernel

_DTYPES = {
    "kind": np.uint8, "pid": np.int32, "flags": np.uint16, "preempt": np.uint8, "a": np.int64, "b": np.int64,
    "c": np.int32, "name": np.int32,
}  # fmt: skip


def extract_fields(module, data, words, wheres, layouts):
    """As ringbuffer_fields.read_fields. module: ringbuffer_kernels in either form."""
    columns = _columns(module, len(wheres))

    def extract(inputs, columns, names, tasks):
        source, text, table, masks, wheres = inputs
        return module.extract(source, text, wheres, 0, len(wheres), table, masks, 0, columns, names, tasks)

    found = _fill(module, data, (words, data, layouts.table, _masks(), wheres), layouts, columns, extract)
    return _joined(columns, [columns.name], [found])


def merge_fields(module, data, words, walk, layouts, parts, cpus):
    """As extract_fields, of several streams in order of time, with the columns time_ns and cpu. Compiled only.

    walk: object with `times` and `wheres` of all streams. parts: of consecutive times, one or two, each (where in these
    each stream begins, where it ends): int64 arrays. cpus: int32, of each stream. Two parts are read in two threads.
    """
    counts = [int((ends - begins).sum()) for begins, ends in parts]
    rows, half = sum(counts), counts[0]
    columns, times, cpu = _columns(module, rows), np.empty(rows, np.int64), np.empty(rows, np.int32)

    def part(place, first, last):
        def merge(inputs, columns, names, tasks):
            source, text, table, masks = inputs
            heads, ends = parts[place]
            streams = walk.times, walk.wheres, heads.copy(), ends, cpus
            return module.merge(*streams, times[first:last], cpu[first:last], source, text, table, masks, columns, names, tasks)

        here = [column[first:last] for column in columns]
        return _fill(module, data, (words, data, layouts.table, _masks()), layouts, here, merge)

    found = [part(0, 0, half)] if len(parts) == 1 else run_both(lambda: part(0, 0, half), lambda: part(1, half, rows))
    columns_found, *others = _joined(columns, (columns.name[:half], columns.name[half:]), found)
    return columns_found | {"time_ns": times, "cpu": cpu}, *others


def _columns(module, rows):
    return module.Columns(**{name: np.empty(rows, dtype) for name, dtype in _DTYPES.items()})


def _masks():
    return np.array(kernel.text_masks(), np.int64)


def _fill(module, data, inputs, layouts, columns, read):
    """Let read(inputs, columns, names, tasks) fill in columns. Returns (texts by number, {pid: comm}, what it returned)."""
    rows = len(columns[0])
    names, tasks = _names(module, rows, len(layouts.static_names)), _tasks(module, rows)
    # The plain form reads and writes memoryviews: quicker than arrays, and their integers are Python's.
    give = list if module is not kernel else lambda arrays: list(map(memoryview, arrays))
    short = read(give(inputs), module.Columns(*give(columns)), module.Names(*give(names)), module.Tasks(*give(tasks)))
    return _strings(data, names, layouts.static_names), _comms(data, tasks), short


def _joined(columns, numbers, parts):
    """What extract_fields returns, of parts that each numbered their texts in `numbers`."""
    strings, tasks = {}, {}
    for (found, comms, _), numbers_here in zip(parts, numbers, strict=False):
        _renumber(numbers_here, found, strings)
        tasks |= comms
    return columns._asdict(), list(strings), dict(sorted(tasks.items())), sum(short for *_, short in parts)


def _names(module, rows, static_count):
    """Room for a text a row; what is not used is never touched, so costs nothing."""
    return module.Names(
        slots=_zeros(1 << (2 * rows).bit_length(), np.int32), starts=np.empty(rows + 1, np.int64),
        lengths=np.empty(rows + 1, np.int32), statics=np.full(static_count + 1, -1, np.int32),
        guesses=np.zeros((kernel.GUESSES, 4), np.int64), count=np.zeros(1, np.int64),
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
