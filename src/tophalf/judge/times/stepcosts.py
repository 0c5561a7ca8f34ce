"""What steps of the kernel cost, read off a trace: handlers, the tick, the way to a softirq, IPIs, polls and packets.

What a tracepoint itself takes (some 100 ns) is in every figure.
"""

import numpy as np

from tophalf import vocab
from tophalf.judge.times.spans import HARDIRQ, VECTOR, find_spans

IPI_NS_MAX = 100_000  # a wakeup whose interrupt comes later than this had none: its CPU looked at need_resched by itself
FEW = 20  # fewer tell nothing


def step_costs(table, gaps=(), look_ns=0, gap_cpu=None):
    """{cost: int64 array of samples in ns}, those with at least FEW samples.

    Args: table: EventTable, clock "mono" where gaps are given. gaps: (before, after) in monotonic ns during which a process of
    CPU gap_cpu that does nothing but look at the clock did not come to it; look_ns: what a look takes.
    """
    spans, _ = find_spans(table)
    found = {
        "handler": spans.of(HARDIRQ).self_ns, "timer_tick": _vector(spans, "local_timer").self_ns,
        "softirq_entry": _to_softirq(table), "ipi": _ipis(table), **_polls(table),
    }  # fmt: skip
    found |= dict(zip(("irq_entry", "irq_exit"), _around(_vector(spans, "local_timer"), gaps, look_ns, gap_cpu), strict=True))
    return {name: np.asarray(samples) for name, samples in found.items() if len(samples) >= FEW}


def _vector(spans, name):
    vectors = spans.of(VECTOR)
    return vectors.only(vectors.name == _string(spans.table, name))


def _string(table, text):
    return table.strings.index(text) if text in table.strings else -2


def _by_cpu(table):
    """Rows in order of (cpu, time), and which of them is followed by one of the same CPU."""
    order = np.lexsort((table.time_ns, table.cpu))
    return order, table.cpu[order][:-1] == table.cpu[order][1:]


def _to_softirq(table):
    """From the end of an interrupt's handler to the softirq right behind it."""
    order, same = _by_cpu(table)
    kind, time_ns = table.kind[order], table.time_ns[order]
    ends = (kind[:-1] == vocab.VECTOR_EXIT) | (kind[:-1] == vocab.IRQ_HANDLER_EXIT)
    return np.diff(time_ns)[same & ends & (kind[1:] == vocab.SOFTIRQ_ENTRY)]


def _ipis(table):
    """From a task's wakeup on another CPU to that CPU's reschedule interrupt."""
    wakes = np.flatnonzero((table.kind == vocab.SCHED_WAKEUP) & (table.b != table.cpu))
    comes = np.flatnonzero((table.kind == vocab.VECTOR_ENTRY) & (table.name == _string(table, "reschedule")))
    found = []
    for cpu in np.unique(table.b[wakes]):
        sent, came = table.time_ns[wakes[table.b[wakes] == cpu]], table.time_ns[comes[table.cpu[comes] == cpu]]
        if len(came):
            last = np.searchsorted(sent, came) - 1  # the last wakeup before each
            found.append((came - sent[last])[last >= 0])
    waits = np.concatenate(found) if found else np.zeros(0, np.int64)
    return waits[waits < IPI_NS_MAX]


def _polls(table):
    """A poll and a packet, from runs of NET_RX with one poll: a line through time by packets; all of it a packet's where each
    poll took one."""
    order, same = _by_cpu(table)
    kind, time_ns, a, b = (column[order] for column in (table.kind, table.time_ns, table.a, table.b))
    begins = (kind[:-2] == vocab.SOFTIRQ_ENTRY) & (a[:-2] == vocab.NET_RX) & (kind[1:-1] == vocab.NAPI_POLL)
    at = np.flatnonzero(begins & (kind[2:] == vocab.SOFTIRQ_EXIT) & same[:-1] & same[1:])
    took, work = time_ns[at + 1] - time_ns[at], b[at + 1]
    took, work = took[work > 0], work[work > 0]
    sizes, counts = np.unique(work, return_counts=True)
    sizes = sizes[counts >= FEW]
    if len(sizes) < 3:
        return {"packet": took[work == 1]}
    medians = [np.median(took[work == size]) for size in sizes]
    packet, poll = np.polyfit(sizes, medians, 1)
    return {"poll": np.full(len(took), round(max(poll, 0))), "packet": np.full(len(took), round(max(packet, 0)))}


def _around(spans, gaps, look_ns, cpu):
    """How much of each gap with one interrupt in it, and nothing else, was before and after its handler."""
    gaps = np.asarray(gaps, np.int64).reshape(-1, 2)
    table, none = spans.table, np.zeros(0, np.int64)
    if not len(gaps) or cpu is None:
        return none, none
    mine = np.sort(table.time_ns[table.cpu == cpu])
    inside = np.searchsorted(mine, gaps[:, 1]) - np.searchsorted(mine, gaps[:, 0])
    gaps = gaps[inside == 2]  # its entry and its exit
    ticks = spans.only(spans.cpu == cpu)
    starts, ends = ticks.start_ns, ticks.start_ns + ticks.wall_ns
    at = np.searchsorted(starts, gaps[:, 0])
    fits = at < len(starts)
    gaps, at = gaps[fits], at[fits]
    fits = ends[at] <= gaps[:, 1]
    gaps, at = gaps[fits], at[fits]
    half = look_ns // 2
    return np.maximum(starts[at] - gaps[:, 0] - half, 0), np.maximum(gaps[:, 1] - ends[at] - half, 0)
