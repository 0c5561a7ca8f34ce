"""Event tables written row by row, for tests that know what each span must come to."""

from tophalf import vocab
from tophalf.events import make_table

IDLE = 0


class Timeline:
    """Rows in the order in which they are added; a row may be given any time, the table sorts stably by it."""

    def __init__(self):
        self.rows, self.strings = [], []
        self.tasks = {}

    def add(self, time_ns, cpu, kind, a=0, *, pid=IDLE, flags=0, b=0, c=0, name=None):
        """Add a row; returns its place among those added."""
        if name is not None and name not in self.strings:
            self.strings.append(name)
        text = -1 if name is None else self.strings.index(name)
        self.rows.append((time_ns, cpu, kind, pid, flags, a, b, c, text))
        return len(self.rows) - 1

    def table(self, **fields):
        rows = sorted(self.rows, key=lambda row: row[0])
        names = ("time_ns", "cpu", "kind", "pid", "flags", "a", "b", "c", "name")
        columns = dict(zip(names, zip(*rows, strict=True) if rows else [()] * len(names), strict=True))
        return make_table(columns, strings=list(self.strings), tasks=dict(self.tasks), **fields)

    def handler(self, start_ns, end_ns, cpu, irq, action="eth0", **more):
        """A whole handler call in hardirq context."""
        flags = more.pop("flags", vocab.FLAG_HARDIRQ)
        self.add(start_ns, cpu, vocab.IRQ_HANDLER_ENTRY, irq, name=action, flags=flags, **more)
        return self.add(end_ns, cpu, vocab.IRQ_HANDLER_EXIT, irq, b=1, flags=flags, **more)

    def softirq(self, start_ns, end_ns, cpu, vec, **more):
        """A whole run of a softirq vector."""
        self.add(start_ns, cpu, vocab.SOFTIRQ_ENTRY, vec, flags=vocab.FLAG_SOFTIRQ, **more)
        return self.add(end_ns, cpu, vocab.SOFTIRQ_EXIT, vec, flags=vocab.FLAG_SOFTIRQ, **more)

    def switch(self, time_ns, cpu, before, after, state=0, comm="bash"):
        """sched_switch from task `before` to task `after`."""
        return self.add(time_ns, cpu, vocab.SCHED_SWITCH, after, pid=before, b=state, c=120, name=comm)
