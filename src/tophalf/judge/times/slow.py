"""Slow handler calls, one by one as they happened, each with what it interrupted."""

import numpy as np

from tophalf import vocab
from tophalf.frozen import Frozen
from tophalf.judge.times.spans import HARDIRQ, SOFTIRQ, TASKLET, WORK


class SlowCall(Frozen):
    """One handler call. time_ns: its start on the trace's clock; run_ns: inclusive; interrupted: in words."""

    __slots__ = ("time_ns", "cpu", "irq", "action", "run_ns", "interrupted")


def slow_handlers(spans, threshold_ns):
    """The handler calls of at least threshold_ns, in order of their start. Returns a list of SlowCall."""
    slow = spans.only(np.flatnonzero((spans.kind == HARDIRQ) & (spans.wall_ns >= threshold_ns)))
    table = slow.table
    columns = (slow.start_ns, slow.cpu, slow.key, slow.name, slow.wall_ns, slow.parent_row, slow.pid)
    return [
        SlowCall(
            time_ns=time_ns, cpu=cpu, irq=irq, action=table.text(name), run_ns=run_ns,
            interrupted=interrupted(table, parent_row, pid),
        )
        for time_ns, cpu, irq, name, run_ns, parent_row, pid in zip(*(c.tolist() for c in columns), strict=True)
    ]  # fmt: skip


def interrupted(table, parent_row, pid):
    """What ran beneath an interrupt: the span that starts at parent_row, and the task."""
    comm = table.tasks.get(pid)
    task = "idle" if pid == 0 else f"{comm}-{pid}" if comm else f"pid {pid}"
    if parent_row < 0:
        return task
    kind, a, b = (int(column[parent_row]) for column in (table.kind, table.a, table.b))
    if kind == SOFTIRQ:
        what = vocab.SOFTIRQS[a] if 0 <= a < len(vocab.SOFTIRQS) else f"softirq {a}"
    elif kind in (WORK, TASKLET):
        what = f"{'work' if kind == WORK else 'tasklet'} {table.function(b)}"
    else:
        what = f"{table.text(int(table.name[parent_row])) or vocab.EVENT_NAMES[kind]} ({a})"
    return f"{what} in {task}"
