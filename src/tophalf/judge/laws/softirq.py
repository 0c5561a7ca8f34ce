"""Laws of serving softirqs that each event, or each entry with its exit, decides. What passes may serve: passes.py.

On PREEMPT_RT a softirq belongs to the task that serves it, which can be preempted there; elsewhere it belongs to the CPU.
"""

import numpy as np

from tophalf import vocab
from tophalf.judge.laws import pairs
from tophalf.judge.laws.law import Law, verdict
from tophalf.judge.laws.verdicts import flag_verdict, irqs_off_verdict, pair_verdict
from tophalf.vocab import SOFTIRQ_ENTRY, SOFTIRQ_EXIT, SOFTIRQ_RAISE

_SERVE = "kernel/softirq.c handle_softirqs()"

PAIR = Law(
    name="softirq-pair",
    statement="A softirq's exit ends the entry before it, of the same vector, and before softirq context ends",
    source=_SERVE,
)
NOT_NESTED = Law(
    name="softirq-not-nested",
    statement="No softirq is entered inside another on one CPU (PREEMPT_RT: in one task)",
    source="kernel/softirq.c __irq_exit_rcu()",
)
NOT_IN_HARDIRQ = Law(
    name="softirq-not-in-hardirq",
    statement="No softirq is entered in hardirq or NMI context",
    source="kernel/softirq.c do_softirq()",
)
IRQS_ON = Law(name="softirq-irqs-on", statement="A softirq is entered with interrupts on", source=_SERVE)
MARKED = Law(
    name="softirq-context",
    statement="Entry and exit of a softirq happen in softirq context (SOFTIRQ_OFFSET is set)",
    source="kernel/softirq.c softirq_handle_begin()",
)
PREEMPT_COUNT = Law(
    name="softirq-preempt-count", statement="A softirq is left at the preempt count it was entered with", source=_SERVE
)
RAISE = Law(
    name="softirq-raise-irqs-off",
    statement="A softirq is raised with interrupts off, and never from an NMI",
    source="kernel/softirq.c __raise_softirq_irqoff()",
)

LAWS = (PAIR, NOT_NESTED, NOT_IN_HARDIRQ, IRQS_ON, MARKED, PREEMPT_COUNT, RAISE)


def find_pairs(ground):
    """Pairs of the softirq vectors; `inner` is the vector being served."""
    table = ground.table
    # Unless the trace shows that this is not PREEMPT_RT, a slot is a task: a softirq stays in its task on every kernel.
    slot = ground.cpu if ground.preempt_rt is False else ground.cpu.astype(np.int64) << 32 | table.pid.astype(np.int64)
    level = ground.in_softirq.astype(np.int64) if ground.has_flags else np.ones(ground.row_count, np.int64)
    judged = ground.window(SOFTIRQ_ENTRY, SOFTIRQ_EXIT)
    return pairs.match_rows(ground, judged, SOFTIRQ_ENTRY, SOFTIRQ_EXIT, slot, table.a, level)


def judge(ground, found):
    """Verdicts of LAWS. found: Pairs from find_pairs."""
    entries, exits, raises = (ground.is_kind(kind) for kind in (SOFTIRQ_ENTRY, SOFTIRQ_EXIT, SOFTIRQ_RAISE))
    nested, judged = found.code == pairs.NESTED, found.judged == 1
    nmi = (ground.flags & vocab.FLAG_NMI) != 0
    return [
        pair_verdict(PAIR, ground, found, judged & exits, (found.code != 0) & ~nested, vector_words),
        pair_verdict(NOT_NESTED, ground, found, judged & entries, nested, vector_words),
        flag_verdict(NOT_IN_HARDIRQ, ground, entries, ground.in_hardirq, "a softirq was entered inside an interrupt"),
        flag_verdict(IRQS_ON, ground, entries, ground.irqs_off, "a softirq was entered with interrupts off"),
        flag_verdict(MARKED, ground, entries | exits, ~ground.in_softirq, "a softirq outside softirq context"),
        _judge_preempt_count(ground, found),
        irqs_off_verdict(RAISE, ground, raises, ~ground.irqs_off | nmi, "a raise with interrupts on or in an NMI"),
    ]


def vector_words(table, row):
    """A softirq vector by name."""
    return f"softirq {vector_name(int(table.a[row]))}"


def vector_name(vec):
    return vocab.SOFTIRQS[vec] if 0 <= vec < len(vocab.SOFTIRQS) else str(vec)


def _judge_preempt_count(ground, found):
    """Entry and exit follow each other in their slot, so the entry of an exit is the row its pair was opened by."""
    table = ground.table
    if not ground.has_flags:
        return verdict(PREEMPT_COUNT, table, 0)
    exits = np.flatnonzero((ground.kind == SOFTIRQ_EXIT) & (found.judged == 1) & (found.code == 0))
    entries = found.about[exits]
    before, after = table.preempt[entries] & 0xF, table.preempt[exits] & 0xF
    wrong = exits[before != after]

    def describe(at):
        entry = int(found.about[wrong[at]])
        return (
            f"{vector_words(table, wrong[at])} was entered at preempt depth {int(table.preempt[entry]) & 0xF} "
            f"and left at {int(table.preempt[wrong[at]]) & 0xF}"
        )

    return verdict(PREEMPT_COUNT, table, len(exits), wrong, describe)
