"""Laws of NAPI. The event comes at the end of a poll: net/core/dev.c __napi_poll(), busy_poll_stop(), napi_busy_loop(),
and net/core/netpoll.c poll_one_napi(), which polls with a budget of 0 from any context."""

import numpy as np

from tophalf import vocab
from tophalf.judge.laws.law import Law, verdict
from tophalf.judge.laws.pair_kernels import NOTHING_OPEN
from tophalf.judge.laws.softirq import vector_name
from tophalf.vocab import NAPI_POLL

BUDGET = Law(
    name="napi-budget",
    statement="A poll takes no more packets than its budget, and not fewer than none",
    source="net/core/dev.c __napi_poll()",
)
CONTEXT = Law(
    name="napi-context",
    statement="NAPI is polled in NET_RX or by a task with BH off (NAPI thread, busy poll); netpoll (budget 0) polls anywhere",
    source="net/core/dev.c net_rx_action(), napi_threaded_poll(), napi_busy_loop()",
)

LAWS = (BUDGET, CONTEXT)


def judge(ground, softirqs):
    """Verdicts of LAWS. softirqs: Pairs of the softirq vectors."""
    return [_judge_budget(ground), _judge_context(ground, softirqs)]


def _judge_budget(ground):
    table, polls = ground.table, ground.is_kind(NAPI_POLL)
    rows = np.flatnonzero(polls & ((table.b > table.c) | (table.b < 0)))

    def describe(at):
        row = rows[at]
        return f"a poll of {_words(table, row)} took {int(table.b[row])} packets with a budget of {int(table.c[row])}"

    return verdict(BUDGET, table, np.count_nonzero(polls), rows, describe)


def _words(table, row):
    return f"NAPI {int(table.a[row]) & (1 << 64) - 1:#x} ({table.text(int(table.name[row]))})"


def _judge_context(ground, softirqs):
    table = ground.table
    judged = ground.is_kind(NAPI_POLL) & ground.has_flags & (table.c > 0)
    bh_off = (ground.flags & vocab.FLAG_BH_OFF) != 0
    in_softirq = ground.in_softirq & ~ground.in_hardirq
    # Kernels before 5.18 have no flag for "BH off": where no event has it, tasks cannot be judged.
    by_task = judged & ~in_softirq & (bh_off.any() | ground.in_hardirq)
    by_softirq = judged & in_softirq & (softirqs.inner >= NOTHING_OPEN)
    wrong = by_task & (~bh_off | ground.in_hardirq) | by_softirq & (softirqs.inner != vocab.NET_RX)
    rows = np.flatnonzero(wrong)

    def describe(at):
        row = int(rows[at])
        return f"{_words(table, row)} was polled {_place(ground, softirqs, row)}"

    return verdict(CONTEXT, table, np.count_nonzero(by_task | by_softirq), rows, describe)


def _place(ground, softirqs, row):
    if ground.in_hardirq[row]:
        return "in a hardirq"
    if not ground.in_softirq[row]:
        return f"by task {int(ground.table.pid[row])} with BH on"
    serving = int(softirqs.inner[row])
    return f"in softirq {vector_name(serving)}" if serving >= 0 else "in softirq context with no vector being served"
