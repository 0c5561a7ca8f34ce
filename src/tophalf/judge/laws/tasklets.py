"""Laws of tasklets. A tasklet is told by its address: one that runs is not freed (kernel/softirq.c tasklet_kill())."""

import numpy as np

from tophalf import vocab
from tophalf.judge.laws import pairs
from tophalf.judge.laws.exclusion import overlaps
from tophalf.judge.laws.law import Law, verdict
from tophalf.judge.laws.pair_kernels import NOTHING_OPEN
from tophalf.judge.laws.softirq import vector_name
from tophalf.judge.laws.verdicts import pair_verdict, seconds
from tophalf.vocab import SOFTIRQ_ENTRY, TASKLET_ENTRY, TASKLET_EXIT

_RUN = "kernel/softirq.c tasklet_action_common()"

PAIR = Law(
    name="tasklet-pair",
    statement="A tasklet's exit ends the entry before it, of the same tasklet; none runs inside another",
    source=_RUN,
)
IN_SOFTIRQ = Law(name="tasklet-in-softirq", statement="A tasklet runs in the softirqs TASKLET and HI only", source=_RUN)
ONCE = Law(
    name="tasklet-once",
    statement="One run of TASKLET or HI runs a tasklet once at most: scheduled again, it waits for the next pass",
    source=_RUN,
)
ONE_CPU = Law(
    name="tasklet-one-cpu",
    statement="A tasklet never runs on two CPUs at once",
    source="include/linux/interrupt.h tasklet_trylock()",
)

_STAND_IN_MAX = 1 << 16

LAWS = (PAIR, IN_SOFTIRQ, ONCE, ONE_CPU)


def judge(ground, softirqs):
    """Verdicts of LAWS. softirqs: Pairs of the softirq vectors."""
    table = ground.table
    slot = ground.cpu if ground.preempt_rt is False else ground.cpu << 32 | table.pid.astype(np.int64)
    level = ground.in_softirq.astype(np.int64) if ground.has_flags else np.ones(ground.row_count, np.int64)
    judged = ground.window(TASKLET_ENTRY, TASKLET_EXIT)
    found = pairs.match_rows(ground, judged, TASKLET_ENTRY, TASKLET_EXIT, slot, table.a, level)
    exits = ground.is_kind(TASKLET_EXIT)
    return [
        pair_verdict(PAIR, ground, found, (found.judged == 1) & exits, found.code != 0, _words),
        _judge_context(ground, softirqs),
        _judge_once(ground, slot, softirqs),
        _judge_one_cpu(ground, judged),
    ]


def _words(table, row):
    return f"tasklet {int(table.a[row]) & (1 << 64) - 1:#x} ({table.function(int(table.b[row]))})"


def _judge_context(ground, softirqs):
    table, entries = ground.table, ground.is_kind(TASKLET_ENTRY)
    judged = entries & ground.has_flags & (softirqs.inner >= NOTHING_OPEN)
    allowed = ground.in_softirq & np.isin(softirqs.inner, (vocab.TASKLET, vocab.HI))
    rows = np.flatnonzero(judged & ~allowed)

    def describe(at):
        serving = int(softirqs.inner[rows[at]])
        where = f"in softirq {vector_name(serving)}" if serving >= 0 else "outside of any softirq"
        return f"{_words(table, rows[at])} ran {where}"

    return verdict(IN_SOFTIRQ, table, np.count_nonzero(judged), rows, describe)


def _judge_once(ground, slot, softirqs):
    """Number the runs of softirqs in each slot; no (run, tasklet) may come twice."""
    table = ground.table
    known = np.isin(softirqs.inner, (vocab.TASKLET, vocab.HI)) & (not _text_names_tasklets(table))
    entries = np.flatnonzero(ground.is_kind(TASKLET_ENTRY) & known)
    run = _latest_entry(ground, slot, entries)
    entries, run = entries[run >= 0], run[run >= 0]
    pairs_seen = np.stack([run, table.a[entries]])
    _, first, which = np.unique(pairs_seen, axis=1, return_index=True, return_inverse=True)
    again = np.flatnonzero(first[which.reshape(-1)] != np.arange(len(entries)))
    rows = entries[again]

    def describe(at):
        before = entries[first[which.reshape(-1)[again[at]]]]
        return f"{_words(table, rows[at])} ran a second time in one softirq, first at {seconds(table, before)}"

    return verdict(ONCE, table, len(entries), rows, describe)


def _text_names_tasklets(table):
    """Whether small numbers stand for the names by which text calls tasklets: %ps gives two in one array one name."""
    rows = table.kind == TASKLET_ENTRY
    return table.clock == "unknown" and bool((np.abs(table.a[rows]) < _STAND_IN_MAX).any())


def _latest_entry(ground, slot, rows):
    """For each of some rows the row of the softirq entry before it in its slot, -1 where there is none."""
    entries = np.flatnonzero(ground.kind == SOFTIRQ_ENTRY)
    order = np.lexsort((entries, slot[entries]))
    entries = entries[order]
    slots = slot[entries]
    # Positions by (slot, row): the last entry not after the row, if it is of the same slot.
    _, dense = np.unique(np.concatenate([slots, slot[rows]]), return_inverse=True)
    size = ground.row_count + 1
    keys = dense[: len(slots)] * size + entries
    at = np.searchsorted(keys, dense[len(slots) :] * size + rows, side="right") - 1
    same = (at >= 0) & (slots[np.maximum(at, 0)] == slot[rows]) if len(slots) else np.zeros(len(rows), bool)
    return np.where(same, entries[np.maximum(at, 0)], -1) if len(slots) else np.full(len(rows), -1)


def _judge_one_cpu(ground, judged):
    table = ground.table
    rows, others, applied = overlaps(ground, judged, TASKLET_ENTRY, TASKLET_EXIT, ground.cpu)

    def describe(at):
        other = int(others[at])
        return f"{_words(table, rows[at])} was entered while it ran on CPU {int(table.cpu[other])}, since {seconds(table, other)}"

    return verdict(ONE_CPU, table, applied, rows, describe)
