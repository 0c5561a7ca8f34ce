"""Latencies out of an event table: per interrupt, softirq vector, NAPI, work function, tasklet and interrupt vector.

`time_events(table)` is the door. Run times come in two kinds: `run` is inclusive (exit minus entry, with whatever
interrupted it), `own` is exclusive (what it ran itself: without interrupts, softirqs and other tasks in between).
"""

import numpy as np

from tophalf import vocab
from tophalf.compiled import run_both
from tophalf.frozen import Frozen
from tophalf.judge.times.spans import HARDIRQ, SOFTIRQ, SPAN_KINDS, TASKLET, VECTOR, WORK, find_spans, kind_counts
from tophalf.judge.times.statistics import dense, group_times, split_times

TWO_THREADS_SPANS_MIN = 50_000
WORK_CLIP = 256  # NAPI polls of more packets than this share the last cell of the histogram


class HardirqTimes(Frozen):
    """One interrupt line: irq; actions in order of first call; run, own: Times of its handler calls; by_action: one
    ActionTimes for each action (the line's handlers run one after another); switches: context switches it caused."""

    __slots__ = ("irq", "actions", "count", "run", "own", "by_action", "switches")


class ActionTimes(Frozen):
    """Calls of one action's handler."""

    __slots__ = ("action", "count", "run", "own", "switches")


class SoftirqTimes(Frozen):
    """One softirq vector: wait: raise to entry, where the raise was seen; run, own; the same again for calls made inline
    (on interrupt exit, or when bottom halves were enabled) and in ksoftirqd."""

    __slots__ = ("vec", "name", "count", "wait", "run", "own", "inline", "ksoftirqd", "switches")


class SoftirqPart(Frozen):
    """The part of a vector's runs that one context made."""

    __slots__ = ("count", "wait", "run", "own")


class NapiPolls(Frozen):
    """One NAPI instance: packets: sum of work; full_polls: polls that used their whole weight (work >= budget);
    packets_max: most in one poll; polls_by_packets: {packets: polls}, WORK_CLIP standing for that many or more."""

    __slots__ = ("napi", "dev_name", "polls", "packets", "packets_max", "budget", "full_polls", "polls_by_packets")


class WorkTimes(Frozen):
    """One work function on one workqueue (None where the queueing was not seen): wait: queued to started; run; own,
    None where the trace holds no sched_switch, without which it cannot be known."""

    __slots__ = ("function", "workqueue", "count", "wait", "run", "own")


class TaskletTimes(Frozen):
    __slots__ = ("function", "count", "run", "own", "switches")


class VectorTimes(Frozen):
    """One interrupt vector of irq_vectors (local_timer, reschedule, call_function, ...)."""

    __slots__ = ("vector", "name", "count", "run", "own", "switches")


class Switches(Frozen):
    """Context switches. count: all that were recorded. by_interrupts: caused by spans in the table. untraced: caused by
    interrupts of which no event was recorded.

    A switch counts as caused by an interrupt when the task that left could have gone on (the idle task too), and the
    task that came was woken there, or is the line's thread, or need_resched was first seen set at that span's end.
    """

    __slots__ = ("count", "by_interrupts", "untraced")


class Timing(Frozen):
    """All of it. recorded: {event name: rows}. unfinished: {entry event: entries without an exit}, unmatched: {exit
    event: exits without an entry}: neither is counted anywhere else."""

    __slots__ = (
        "table", "events", "lost_events", "span_ns", "clock", "recorded", "spans", "hardirq", "softirq", "napi", "work",
        "tasklets", "vectors", "switches", "unfinished", "unmatched",
    )  # fmt: skip


def time_events(table):
    """Time an EventTable. Returns Timing; lists are ordered by number or name, ascending.

    Nothing is guessed: halves of spans at the trace's edges or around lost events are not counted but told.
    """
    rows = kind_counts(table)
    spans, untraced = find_spans(table, rows)
    finished = np.bincount(spans.kind, minlength=len(vocab.EVENT_NAMES)).tolist()
    return Timing(
        table=table, events=len(table), lost_events=table.lost_events, span_ns=table.span_ns, clock=table.clock,
        recorded={vocab.EVENT_NAMES[kind]: count for kind, count in enumerate(rows) if count},
        spans=spans,
        **_summaries(table, spans, switches_seen=rows[vocab.SCHED_SWITCH] > 0),
        switches=Switches(count=rows[vocab.SCHED_SWITCH], by_interrupts=int(spans.switches.sum()), untraced=untraced),
        unfinished=_halves(rows, finished, 0),
        unmatched=_halves(rows, finished, 1),
    )  # fmt: skip


def _summaries(table, spans, switches_seen):
    """The lists of Timing; those of a large table in two threads, as sorting lets go of Python's lock."""

    def softirqs():
        return {"softirq": _softirq(spans.of(SOFTIRQ))}

    def others():
        return {
            "hardirq": _hardirq(spans.of(HARDIRQ)), "napi": napi_polls(table), "work": _work(spans.of(WORK), switches_seen),
            "tasklets": _tasklets(spans.of(TASKLET)), "vectors": _vectors(spans.of(VECTOR)),
        }  # fmt: skip

    if len(spans) < TWO_THREADS_SPANS_MIN:
        return softirqs() | others()
    one, other = run_both(softirqs, others)
    return one | other


def _halves(rows, finished, step):
    left = {kind: rows[kind + step] - finished[kind] for kind in SPAN_KINDS}
    return {vocab.EVENT_NAMES[kind + step]: count for kind, count in left.items() if count > 0}


def _hardirq(spans):
    actions = _by_key_and_name(spans)
    lines = {}
    for irq, name, times in actions:
        action = ActionTimes(action=spans.table.text(name), **times)
        lines.setdefault(irq, []).append(action)
    shared = {irq for irq, parts in lines.items() if len(parts) > 1}
    whole = _shared_lines(spans, shared) if shared else {}
    return [_line(irq, parts, whole.get(irq, parts[0])) for irq, parts in lines.items()]


def _line(irq, parts, whole):
    return HardirqTimes(
        irq=irq, actions=tuple(part.action for part in parts), count=whole.count, run=whole.run, own=whole.own,
        by_action=tuple(parts), switches=sum(part.switches for part in parts),
    )  # fmt: skip


def _shared_lines(spans, irqs):
    spans = spans.only(np.isin(spans.key, list(irqs)))
    distinct, groups = dense(spans.key, len(spans.table))
    return {
        irq: ActionTimes(count=run.count, run=run, own=own)
        for irq, run, own in zip(distinct.tolist(), *_run_and_self(spans, groups, len(distinct)), strict=True)
    }


def _softirq(spans):
    count = len(vocab.SOFTIRQS) + 1  # the last is for vectors that no kernel has
    groups, marked = np.clip(spans.key, 0, count - 1), spans.in_ksoftirqd
    columns = (spans.wait_ns, spans.wall_ns, spans.self_ns)
    waits, runs, own = (split_times(column, groups, count, marked, len(spans.table)) for column in columns)
    whole, inline, ksoftirqd = (
        [SoftirqPart(count=run.count, wait=wait, run=run, own=alone) for wait, run, alone in zip(*columns, strict=True)]
        for columns in zip(waits, runs, own, strict=True)
    )
    switches = _sums(spans.switches, groups, count)
    return [
        SoftirqTimes(
            vec=vec, name=vocab.SOFTIRQS[vec], inline=inline[vec], ksoftirqd=ksoftirqd[vec], switches=switches[vec],
            **whole[vec].as_dict(),
        )
        for vec in range(count - 1)
        if whole[vec].count
    ]  # fmt: skip


def napi_polls(table):
    """Polls by NAPI instance and device. Returns a list of NapiPolls."""
    rows = np.flatnonzero(table.kind == vocab.NAPI_POLL)
    pointers, groups = dense(table.a[rows], len(table))
    work, budget = table.b[rows], table.c[rows].astype(np.int64)  # ufunc.at is slow across types
    count = len(pointers)
    cells = np.bincount(groups * (WORK_CLIP + 1) + np.clip(work, 0, WORK_CLIP), minlength=count * (WORK_CLIP + 1))
    cells = cells.reshape(count, WORK_CLIP + 1)
    full = np.bincount(groups[(work >= budget) & (budget > 0)], minlength=count)
    packets = _sums(work, groups, count)
    most, largest, name = np.zeros(count, np.int64), np.zeros(count, np.int64), np.zeros(count, np.int64)
    np.maximum.at(most, groups, work)
    np.maximum.at(largest, groups, budget)
    name[groups] = table.name[rows]
    return [
        NapiPolls(
            napi=int(pointers[i]) & (1 << 64) - 1, dev_name=table.text(int(name[i])), polls=int(cells[i].sum()),
            packets=packets[i], packets_max=int(most[i]), budget=int(largest[i]), full_polls=int(full[i]),
            polls_by_packets={int(n): int(cells[i, n]) for n in np.flatnonzero(cells[i])},
        )
        for i in range(count)
    ]  # fmt: skip


def _work(spans, switches_seen):
    functions, groups, count = _names_known(spans)
    waits = group_times(spans.wait_ns, groups, count, len(spans.table))
    runs, own = _run_and_self(spans, groups, count)
    table = spans.table
    times = [
        WorkTimes(function=table.function(function), workqueue=table.text(name), count=run.count, wait=wait, run=run,
                  own=alone if switches_seen else None)
        for (function, name), wait, run, alone in zip(functions, waits, runs, own, strict=True)
        if run.count
    ]  # fmt: skip
    return sorted(times, key=lambda work: (work.function, work.workqueue or ""))


def _names_known(spans):
    """Group work by (function, workqueue). Where the queueing was not seen and the function is known on one workqueue
    only, it is that one. Returns ([(function, name index)], groups, group count)."""
    keys, groups, count = _key_and_name_groups(spans)
    place = {key: group for group, key in enumerate(keys)}
    known = {}
    for function, name in keys:
        if name >= 0:
            known.setdefault(function, []).append(place[function, name])
    moves = np.arange(count)
    for (function, name), group in place.items():
        if name < 0 and len(known.get(function, ())) == 1:
            moves[group] = known[function][0]
    return keys, moves[groups], count


def _tasklets(spans):
    table = spans.table
    times = [TaskletTimes(function=table.function(function), **parts) for function, _, parts in _by_key_and_name(spans)]
    return sorted(times, key=lambda tasklet: tasklet.function)


def _vectors(spans):
    return [VectorTimes(vector=vector, name=spans.table.text(name), **times) for vector, name, times in _by_key_and_name(spans)]


def _by_key_and_name(spans):
    """[(key, name index, {count, run, own, switches})] in order of key."""
    keys, groups, count = _key_and_name_groups(spans)
    runs, own = _run_and_self(spans, groups, count)
    switches = _sums(spans.switches, groups, count)
    return [
        (key, name, {"count": run.count, "run": run, "own": alone, "switches": caused})
        for (key, name), run, alone, caused in zip(keys, runs, own, switches, strict=True)
    ]


def _key_and_name_groups(spans):
    """Number the distinct (key, name) pairs. Returns ([(key, name index)] ascending, group of each span, how many)."""
    key, rows = spans.key, len(spans.table)
    keys = None
    if len(key) and not 0 <= int(key.min()) <= int(key.max()) < 1 << 31:
        keys, key = dense(key, rows)  # functions: addresses, too large to share a number with the name
    pairs, groups = dense(key << 32 | spans.name + 1, rows)
    both = [(pair >> 32, (pair & (1 << 32) - 1) - 1) for pair in pairs.tolist()]
    return [(key if keys is None else int(keys[key]), name) for key, name in both], groups, len(both)


def _run_and_self(spans, groups, count):
    rows = len(spans.table)
    run = group_times(spans.wall_ns, groups, count, rows)
    # Handlers are hardly ever interrupted: sorting the same times again would cost a third of their statistics.
    same = np.array_equal(spans.wall_ns, spans.self_ns)
    return run, run if same else group_times(spans.self_ns, groups, count, rows)


def _sums(values, groups, count):
    sums = np.zeros(count, np.int64)
    np.add.at(sums, groups, values.astype(np.int64, copy=False))  # ufunc.at is slow across types
    return sums.tolist()
