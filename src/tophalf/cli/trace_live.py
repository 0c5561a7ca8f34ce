"""`tophalf trace --threshold TIME` without a MACHINE: slow handler calls of this host, printed as they happen."""

import sys

import numpy as np

from tophalf.cli.trace_rows import seconds
from tophalf.events import COLUMNS
from tophalf.judge.times.slow import slow_handlers
from tophalf.judge.times.spans import SPAN_KINDS, find_spans

EVENTS = "irq"  # handlers, and the softirqs and tasklets they may interrupt
OPEN_NS_MAX = 60 * 10**9  # an entry that has had no exit for so long has lost it


class Pairs:
    """Handler calls across polls: an entry may come in one and its exit in the next.

    add(table) returns the slow calls that ended in it. `calls` counts every call that ended.
    """

    def __init__(self, threshold_ns):
        self.threshold_ns, self.calls, self._open = threshold_ns, 0, None

    def add(self, table):
        table = joined(self._open, table) if self._open is not None and len(self._open) else table
        if not len(table):
            return []
        spans, _ = find_spans(table)
        self.calls += int((spans.kind == SPAN_KINDS[0]).sum())
        self._open = unfinished(table, spans)
        return slow_handlers(spans, self.threshold_ns)


def unfinished(table, spans):
    """Entries that still wait for their exit: the last of each kind and argument on each CPU, if not too old."""
    waiting = np.isin(table.kind, SPAN_KINDS)
    waiting[spans.row] = False
    waiting &= table.time_ns > table.time_ns[-1] - OPEN_NS_MAX
    last = {}
    for row in np.flatnonzero(waiting).tolist():
        last[int(table.cpu[row]), int(table.kind[row]), int(table.a[row])] = row
    return table.rows(np.array(sorted(last.values()), np.int64))


def joined(before, table):
    """Rows of two tables of one trace as one, in order of time. Strings of both are kept."""
    columns = {name: np.concatenate([getattr(before, name), getattr(table, name)]) for name, _ in COLUMNS}
    moved = np.where(table.name >= 0, table.name + len(before.strings), table.name)
    columns["name"] = np.concatenate([before.name, moved]).astype(np.int32)
    order = np.argsort(columns["time_ns"], kind="stable")
    return table.replace(**{name: column[order] for name, column in columns.items()}, strings=[*before.strings, *table.strings])


def watch_slow(threshold_ns, duration_s, as_json, wanted):
    """Trace this host and print the slow calls that are wanted(call), until Ctrl-C or for duration_s.

    Returns (calls seen, slow calls printed, events lost). Raises: MachineError where this host cannot be traced.
    """
    from tophalf.host.door import Machine
    from tophalf.host.record.livetrace import follow
    from tophalf.host.trace.traces import load_events

    pairs, slow, lost = Pairs(threshold_ns), 0, 0
    try:
        for poll in follow(duration_s, EVENTS):
            lost = poll.lost
            if not poll.pages:
                continue
            table = load_events(Machine("this host", "live", [], poll.source.data, poll.source))
            for call in filter(wanted, pairs.add(table)):
                slow += 1
                print(json_line(call) if as_json else line(call), flush=True)
    except KeyboardInterrupt:
        sys.stderr.write("\n")
    return pairs.calls, slow, lost


def line(call):
    """One slow call for people."""
    from tophalf.cli.render import printable
    from tophalf.vocab import human_ns

    return (
        f"{seconds(call.time_ns)}  CPU{call.cpu:<4} IRQ {call.irq:<5} {printable(call.action):<20} "
        f"{human_ns(call.run_ns):>8}  interrupted {printable(call.interrupted)}"
    )


def json_line(call):
    import json

    return json.dumps(call.as_dict(), ensure_ascii=False)
