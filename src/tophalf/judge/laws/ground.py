"""What every law needs to know of a trace before it judges: where it can be judged at all, contexts, threads, PREEMPT_RT.

A law is only applied where the trace can bear it. Tracepoints are switched on one after another, buffers begin and end at
different times, events get lost, and the clock of one CPU may be ahead of another's: each is a way to accuse a correct
kernel, and each is taken out here.
"""

import functools
import re

import numpy as np

from tophalf import vocab

# kernel/trace/trace.c trace_clocks[]: those that order the events of different CPUs. "local" and "perf" may differ by CPU,
# "x86-tsc" too where the counters were not synchronised, "uptime" counts in jiffies.
COMMON_CLOCKS = ("mono", "mono_raw", "boot", "tai", "global", "counter")

TASK, TASK_IRQS_OFF, SOFTIRQ, HARDIRQ, NMI = range(5)  # context levels; each can only interrupt a lower one


class Ground:
    """A trace, and what can be told of it. preempt_rt: True, False, or None (unknown: only laws of both kernels apply)."""

    def __init__(self, table, preempt_rt=None):
        self.table = table
        self.kind, self.flags, self.row_count = table.kind, table.flags, len(table)
        self.cpus, self.cpu = np.unique(table.cpu, return_inverse=True)
        self.common_clock = table.clock in COMMON_CLOCKS
        self.has_flags = bool((table.flags & 0xFF).any())
        self.in_softirq = (table.flags & vocab.FLAG_SOFTIRQ) != 0
        self.in_hardirq = (table.flags & (vocab.FLAG_HARDIRQ | vocab.FLAG_NMI)) != 0
        self.irqs_off = (table.flags & vocab.FLAG_IRQS_OFF) != 0
        self.preempt_rt = self._guess_preempt_rt() if preempt_rt is None else preempt_rt

    def is_kind(self, *kinds):
        """Mask of the rows of some kinds."""
        return np.isin(self.kind, kinds)

    @functools.cached_property
    def level(self):
        """int64[row]: context of each event."""
        level = np.where(self.irqs_off, TASK_IRQS_OFF, TASK)
        level[self.in_softirq] = SOFTIRQ
        level[(self.flags & vocab.FLAG_HARDIRQ) != 0] = HARDIRQ
        level[(self.flags & vocab.FLAG_NMI) != 0] = NMI
        return level

    @functools.cached_property
    def after_loss(self):
        """Mask of rows before which events of that CPU are missing."""
        return (self.flags & vocab.FLAG_LOST_BEFORE) != 0

    def window(self, *groups):
        """Mask of rows where tracepoints are known to have been on: between the first and the last event of each group.

        groups: kinds, or tuples of kinds of which one is enough. Returns: mask, empty where a group never occurs. CPU by
        CPU where the clock is not common. A CPU that lost events at an unknown place is left out.
        """
        mask = self._window_of_each_cpu(groups) if not self.common_clock else self._window_of_all(groups)
        return mask & ~self.blind

    def _window_of_all(self, groups):
        low, high = 0, self.row_count - 1
        for group in groups:
            rows = np.flatnonzero(self.is_kind(*_kinds(group)))
            if not len(rows):
                return np.zeros(self.row_count, bool)
            low, high = max(low, rows[0]), min(high, rows[-1])
        rows = np.arange(self.row_count)
        return (rows >= low) & (rows <= high)

    def _window_of_each_cpu(self, groups):
        low = np.zeros(len(self.cpus), np.int64)
        high = np.full(len(self.cpus), self.row_count, np.int64)
        for group in groups:
            rows = np.flatnonzero(self.is_kind(*_kinds(group)))
            first = np.full(len(self.cpus), self.row_count, np.int64)
            last = np.full(len(self.cpus), -1, np.int64)
            np.minimum.at(first, self.cpu[rows], rows)
            np.maximum.at(last, self.cpu[rows], rows)
            low, high = np.maximum(low, first), np.minimum(high, last)
        rows = np.arange(self.row_count)
        return (rows >= low[self.cpu]) & (rows <= high[self.cpu])

    @functools.cached_property
    def blind(self):
        """Mask of rows on CPUs that lost events without a mark of where."""
        marked = {int(cpu) for cpu in self.cpus[np.unique(self.cpu[self.after_loss])]}
        losing = [cpu for cpu, count in self.table.lost.items() if count != 0 and cpu not in marked]
        return np.isin(self.table.cpu, losing)

    @functools.cached_property
    def dark(self):
        """Mask of rows at whose time some CPU was losing events: what happened elsewhere then may be half of a story."""
        if not self.table.lost and not self.after_loss.any():
            return np.zeros(self.row_count, bool)
        change = np.zeros(self.row_count + 1, np.int64)
        losing = {cpu for cpu, count in self.table.lost.items() if count != 0} | set(self.table.cpu[self.after_loss].tolist())
        for cpu in losing & set(self.cpus.tolist()):
            self._mark_dark(np.flatnonzero(self.table.cpu == cpu), change)
        dark = np.cumsum(change[:-1]) > 0
        return dark if not self.blind.any() else np.ones(self.row_count, bool)

    def _mark_dark(self, rows, change):
        losses = np.flatnonzero(self.after_loss[rows])
        # A buffer that lost anything may have begun later or ended earlier than the others.
        change[0] += 1
        change[rows[0] + 1] -= 1
        change[rows[-1]] += 1
        change[-1] -= 1
        for loss in losses[losses > 0]:
            change[rows[loss - 1]] += 1
            change[rows[loss] + 1] -= 1

    @functools.cached_property
    def threads(self):
        """{comm: pid} of every task seen, None for a comm that several tasks have."""
        table, named = self.table, {}
        pairs = set(table.tasks.items())
        for kinds in (vocab.SCHED_SWITCH,), (vocab.SCHED_WAKEUP, vocab.SCHED_WAKING):
            rows = self.is_kind(*kinds)
            seen = np.unique(np.stack([table.a[rows], table.name[rows].astype(np.int64)]), axis=1)
            pairs |= {(int(pid), table.text(int(name))) for pid, name in seen.T}
        for pid, comm in pairs:
            named[comm] = pid if named.get(comm, pid) == pid else None
        return named

    def threads_of_cpus(self, *names):
        """[(cpu, pid)] of the threads NAME/CPU."""
        found = []
        for comm, pid in self.threads.items():
            match = re.fullmatch(r"(\w+)/(\d{1,6})", comm or "")
            if match and match[1] in names and pid:
                found.append((int(match[2]), pid))
        return sorted(found)

    def _guess_preempt_rt(self):
        """Idle never serves softirqs on PREEMPT_RT (kernel/softirq.c invoke_softirq() only wakes a thread there); and only
        there can a task be switched out inside one, and is there a thread ktimers/N."""
        if not self.has_flags:
            return None
        if (self.is_kind(vocab.SOFTIRQ_ENTRY) & (self.table.pid == 0)).any():
            return False
        if self.threads_of_cpus("ktimers", "ktimersd"):
            return True
        return True if (self.is_kind(vocab.SCHED_SWITCH) & self.in_softirq).any() else None


def _kinds(group):
    return group if isinstance(group, tuple) else (group,)
