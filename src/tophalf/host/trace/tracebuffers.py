"""Several ring buffers in one trace (trace-cmd -B, instances): which of them make one table."""

import numpy as np

from tophalf import vocab
from tophalf.host.trace.ringbuffer import Decoded


def choose_buffers(found, notes):
    """Which buffers belong in one table. found: [(Buffer, Decoded)], at least one. notes: a list that is added to.

    Buffers that hold different events on one clock are parts of one trace. Where two hold the same event each happening
    would stand in the table twice: then the buffer with most events is taken alone.
    """
    full = [item for item in found if len(item[1].columns["time_ns"])] or found[:1]
    if len(full) == 1:
        return full
    kinds = [_events_in(decoded) for _, decoded in full]
    apart = sum(map(len, kinds)) == len(set().union(*kinds)) and len({buffer.clock for buffer, _ in full}) == 1
    names = ", ".join(repr(buffer.name or "top") for buffer, _ in full)
    if apart:
        notes.append(f"buffers {names} hold different events and are read as one trace")
        return full
    most = max(full, key=lambda item: len(item[1].columns["time_ns"]))
    notes.append(f"buffers {names} hold the same events or run on different clocks: only {most[0].name or 'top'!r} is read")
    return [most]


def _events_in(decoded):
    """The event types in a buffer: (kind, id or vector where several events share the kind)."""
    kind, number = decoded.columns["kind"], decoded.columns["a"]
    found = set()
    for value in np.unique(kind).tolist():
        shared = value in (vocab.OTHER, vocab.VECTOR_ENTRY, vocab.VECTOR_EXIT)
        found |= {(value, each) for each in (np.unique(number[kind == value]).tolist() if shared else [0])}
    return found


def join(parts):
    """Several Decoded as one, rows in (time, cpu, sequence) order."""
    if len(parts) == 1:
        return parts[0]
    strings, columns, tasks, notes = {}, [], {}, []
    for part in parts:
        numbers = [strings.setdefault(text, len(strings)) for text in part.strings]
        columns.append(part.columns | {"name": np.array([*numbers, -1], np.int32)[part.columns["name"]]})
        tasks |= part.tasks
        notes += part.notes
    joined = {name: np.concatenate([each[name] for each in columns]) for name in columns[0]}
    order = np.lexsort((joined["cpu"], joined["time_ns"]))
    joined = {name: values[order] for name, values in joined.items()}
    return Decoded(columns=joined, strings=list(strings), tasks=tasks, gaps={}, notes=notes)


def add_counts(losses):
    """Sums of [{cpu: events lost, or None when unknown}]."""
    total = {}
    for lost in losses:
        for cpu, count in lost.items():
            before = total.get(cpu, 0)
            total[cpu] = None if count is None or before is None else before + count
    return total


def to_nanoseconds(cycles, multiplier, shift):
    """Cycles of the CPU's time stamp counter as ns, by the factors trace-cmd saved (multiplier / 2**shift)."""
    if shift > 32:
        return (cycles.astype(np.float64) * multiplier / 2.0**shift).astype(np.int64)
    high, low = cycles >> 32, (cycles & 0xFFFFFFFF).astype(np.uint64)  # in two halves: the product has up to 96 bits
    return (high * multiplier << 32 - shift) + (low * np.uint64(multiplier) >> np.uint64(shift)).astype(np.int64)
