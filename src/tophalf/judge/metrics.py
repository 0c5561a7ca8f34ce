"""Two snapshots subtracted: what every counter did between them, by CPU number; a series as a whole and by interval.

Cells of /proc/interrupts, /proc/softirqs and softnet_stat are 32 bits wide and wrap. A difference that cannot be known
(an interrupt number that now belongs to another device, a CPU that was not there at both ends, a counter that was
reset) is left out, never guessed.
"""

from tophalf.frozen import Frozen
from tophalf.snapshot import STAT_TIMES, Softnet
from tophalf.vocab import COUNTER_WRAP

# A cell that fell has either wrapped or been reset. No CPU takes interrupts every 20 ns, and no vector is handled more
# often: a "wrap" that needs a higher rate is a reset (a driver that freed and requested its line, a new boot).
CELL_RATE_MAX = 50_000_000
STAT_COLUMNS_SUMMED = 8  # user .. steal; guest and guest_nice are already inside user and nice (account_guest_time)
USER_HZ = 100  # what /proc/stat ticks mean on every architecture but alpha and ia64, when the boot facts do not say


class LineDelta(Frozen):
    """What one line of /proc/interrupts did. count: over all CPUs. by_cpu: {cpu: count}, only CPUs that moved.

    span_ns: the time it was watched (less than the whole when it appeared on the way). line: the later Line.
    """

    __slots__ = ("key", "line", "count", "by_cpu", "span_ns")

    @property
    def rate(self):
        """Interrupts per second."""
        return per_second(self.count, self.span_ns)

    def rate_on(self, cpu):
        """Interrupts per second on one CPU."""
        return per_second(self.by_cpu.get(cpu, 0), self.span_ns)


class CpuTime(Frozen):
    """Where a CPU's time went by /proc/stat. times: {STAT_TIMES name: ns}. lost_ns: elapsed time that no column holds.

    Lost time is the mark of interrupts held off: the tick that would have accounted for it never ran.
    """

    __slots__ = ("times", "total_ns", "lost_ns", "span_ns")

    def share(self, *names):
        """Fraction of the elapsed time in the named columns, 0..1."""
        return sum(self.times[name] for name in names) / self.span_ns

    @property
    def busy_share(self):
        """Fraction of the elapsed time that was neither idle nor waiting for I/O; lost time counts as busy."""
        return max(0.0, 1.0 - self.share("idle", "iowait"))

    @property
    def lost_share(self):
        """Fraction of the elapsed time in no column at all."""
        return self.lost_ns / self.span_ns


class ThreadDelta(Frozen):
    """CPU time a kernel thread took. thread: the later Thread; resolution_ns: how coarse cpu_ns is."""

    __slots__ = ("thread", "cpu_ns", "span_ns", "resolution_ns")

    @property
    def share(self):
        """Fraction of one CPU, 1 at the most: a loaded machine reads its files over some time, and a snapshot has one."""
        return min(1.0, self.cpu_ns / self.span_ns)


class Delta(Frozen):
    """Everything that moved between two moments; a table is None where either moment does not hold it."""

    __slots__ = (
        "span_ns",
        "cpus",  # CPUs with a column in /proc/interrupts at both ends
        "lines",  # {key: LineDelta}
        "unknown",  # {key: why no difference can be given}: "appeared", "vanished", "other device", "counter reset"
        "softirqs",  # {vector: {cpu: count}}
        "cpu_times",  # {cpu: CpuTime}
        "softnet",  # {cpu: Softnet}: counters as differences, queue lengths as they are at the end
        "threads",  # {(name, pid): ThreadDelta}
        "udp",  # {counter: count}
        "netdev_stats",  # {device: {counter: count}}
        "context_switches",
        "processes",
    )

    @property
    def seconds(self):
        return self.span_ns / 1e9

    def rate(self, count):
        """A count of this span as a rate per second; None stays None."""
        return None if count is None else per_second(count, self.span_ns)


class Series(Frozen):
    """Snapshots in order. whole: first against last. intervals: each against the next; one snapshot has no whole."""

    __slots__ = ("snapshots", "whole", "intervals")

    @property
    def first(self):
        return self.snapshots[0]

    @property
    def last(self):
        return self.snapshots[-1]

    @property
    def facts(self):
        return self.last.facts

    def line_rates(self, key):
        """A line's rate in each interval, in order; None where it is not known."""
        deltas = [interval.lines.get(key) if interval.lines else None for interval in self.intervals]
        return [None if delta is None else delta.rate for delta in deltas]


def per_second(count, span_ns):
    """A count over nanoseconds as a rate; 0 for no time at all."""
    return count * 1e9 / span_ns if span_ns > 0 else 0.0


def over(snapshots):
    """A Series of snapshots, oldest first. A line that came on the way is in `whole` for the time it was watched."""
    snapshots = tuple(snapshots)
    intervals = tuple(between(a, b) for a, b in zip(snapshots, snapshots[1:], strict=False))
    whole = between(snapshots[0], snapshots[-1]) if intervals else None
    if len(intervals) > 1 and whole.unknown:
        whole = whole.replace(lines={**whole.lines, **_partial_lines(whole, intervals)})
    return Series(snapshots=snapshots, whole=whole, intervals=intervals)


def between(first, last):
    """What moved from one snapshot to a later one of the same machine. Returns a Delta."""
    span_ns = last.time_ns - first.time_ns
    lines, unknown = _lines(first.interrupts, last.interrupts, span_ns)
    return Delta(
        span_ns=span_ns,
        cpus=_common_cpus(first.interrupts, last.interrupts),
        lines=lines,
        unknown=unknown,
        softirqs=_table(first.softirqs, last.softirqs),
        cpu_times=_cpu_times(first, last, span_ns),
        softnet=_softnet(first.softnet, last.softnet),
        threads=_threads(first.threads, last.threads, span_ns),
        udp=_counters(first.udp, last.udp),
        netdev_stats=_netdev_stats(first.netdev_stats, last.netdev_stats),
        context_switches=_stat_counter(first.stat, last.stat, "context_switches"),
        processes=_stat_counter(first.stat, last.stat, "processes"),
    )


def cell_delta(before, after, span_ns):
    """Difference of a 32-bit cell over span_ns, through one wrap; None when it must have been reset."""
    if after >= before:
        return after - before
    wrapped = after - before + COUNTER_WRAP
    return wrapped if 0 <= wrapped <= CELL_RATE_MAX * max(span_ns, 0) / 1e9 else None


def same_source(before, after):
    """Whether two lines of one number are one interrupt source: same hardware line and actions."""
    return before.hwirq == after.hwirq and before.actions == after.actions and before.chip == after.chip


def _common_cpus(first, last):
    if first is None or last is None:
        return None
    return first.cpus if first.cpus == last.cpus else tuple(cpu for cpu in last.cpus if cpu in set(first.cpus))


def _lines(first, last, span_ns):
    """Returns ({key: LineDelta}, {key: why not}); (None, {}) where a side was not recorded."""
    if first is None or last is None:
        return None, {}
    lines, unknown = {}, {key: "vanished" for key in first.lines if key not in last.lines}
    for key, after in last.lines.items():
        before = first.lines.get(key)
        if before is None:
            unknown[key] = "appeared"
        elif not same_source(before, after):
            unknown[key] = "other device"
        else:
            by_cpu = _line_cells(before, after, first.cpus, last.cpus, span_ns)
            if by_cpu is None:
                unknown[key] = "counter reset"
            else:
                lines[key] = _line_delta(key, before, after, by_cpu, span_ns)
    return lines, unknown


def _line_delta(key, before, after, by_cpu, span_ns):
    count = by_cpu.pop(None) if None in by_cpu else sum(by_cpu.values())
    return LineDelta(key=key, line=after, count=count, by_cpu=by_cpu, span_ns=span_ns)


def _line_cells(before, after, cpus_before, cpus_after, span_ns):
    """{cpu: difference} without zeros; {None: difference} for a line with one number; None after a reset."""
    if not after.per_cpu:
        delta = cell_delta(total(before.counts), total(after.counts), span_ns)
        return None if delta is None else {None: delta}
    if before.counts is after.counts or (before.counts == after.counts and cpus_before == cpus_after):
        return {}
    return _cells(cpus_before, before.counts, cpus_after, after.counts, span_ns)


def _cells(cpus_before, before, cpus_after, after, span_ns):
    if cpus_before == cpus_after:
        moved = [(cpu, old, new) for cpu, old, new in zip(cpus_after, before, after, strict=False) if old != new]
    else:
        old_of = dict(zip(cpus_before, before, strict=False))
        pairs = zip(cpus_after, after, strict=False)
        moved = [(cpu, old_of[cpu], new) for cpu, new in pairs if cpu in old_of and old_of[cpu] != new]
    deltas = {cpu: cell_delta(old, new, span_ns) for cpu, old, new in moved}
    return None if None in deltas.values() else deltas


def total(counts):
    """Counts of a Line over all CPUs; a line with one number is that number."""
    return counts if isinstance(counts, int) else sum(counts)


def _partial_lines(whole, intervals):
    """Lines of which the whole span says nothing, added up over the intervals after their last break."""
    found = {}
    for key in whole.unknown:
        watched = []
        for interval in intervals:
            delta = (interval.lines or {}).get(key)
            watched = [*watched, delta] if delta else []
        if watched:
            found[key] = _added(key, watched)
    return found


def _added(key, deltas):
    by_cpu = {}
    for delta in deltas:
        for cpu, count in delta.by_cpu.items():
            by_cpu[cpu] = by_cpu.get(cpu, 0) + count
    return LineDelta(key=key, line=deltas[-1].line, count=sum(delta.count for delta in deltas), by_cpu=by_cpu,
                     span_ns=sum(delta.span_ns for delta in deltas))  # fmt: skip


def _table(first, last):
    """{row: {cpu: difference}} of two CpuTables, zeros included; a row that was reset is left out."""
    if first is None or last is None:
        return None
    rows = {}
    for name, after in last.rows.items():
        old_of = dict(zip(first.cpus, first.rows.get(name, ()), strict=False))
        pairs = zip(last.cpus, after, strict=False)
        # Softirq counters are never reset while a kernel runs, so a cell that fell has wrapped.
        rows[name] = {cpu: (new - old_of[cpu]) % COUNTER_WRAP for cpu, new in pairs if cpu in old_of}
    return rows


def _cpu_times(first, last, span_ns):
    if first.stat is None or last.stat is None or span_ns <= 0:
        return None
    pairs = ((cpu, first.stat.ticks.get(cpu), after) for cpu, after in last.stat.ticks.items())
    return {cpu: _cpu_time(before, after, tick_ns(last), span_ns) for cpu, before, after in pairs if before is not None}


def tick_ns(snapshot):
    """What a tick of /proc/stat lasts on the machine of a snapshot."""
    boot = snapshot.facts.boot if snapshot.facts else None
    return 10**9 // ((boot.user_hz if boot else None) or USER_HZ)


def _cpu_time(before, after, tick, span_ns):
    # iowait and idle can step back (Documentation/filesystems/proc.rst); a column that fell did nothing
    moved = [max(0, new - old) * tick for old, new in zip(before, after, strict=False)]
    moved += [0] * (len(STAT_TIMES) - len(moved))
    total_ns = sum(moved[:STAT_COLUMNS_SUMMED])
    return CpuTime(times=dict(zip(STAT_TIMES, moved, strict=False)), total_ns=total_ns,
                   lost_ns=max(0, span_ns - total_ns), span_ns=span_ns)  # fmt: skip


def _softnet(first, last):
    if first is None or last is None:
        return None
    return {cpu: _softnet_row(first[cpu], after) for cpu, after in last.items() if cpu in first}


def _softnet_row(before, after):
    changes = {}
    for name in ("processed", "dropped", "time_squeeze", "received_rps", "flow_limit"):
        old, new = getattr(before, name), getattr(after, name)
        changes[name] = None if old is None or new is None else (new - old) % COUNTER_WRAP
    return Softnet(**{**after.as_dict(), **changes})


def _threads(first, last, span_ns):
    """Threads alive at both ends, matched by pid where known (a kworker changes its name) and by name where not."""
    if first is None or last is None or span_ns <= 0:
        return None
    by_pid = {pid: thread for (_, pid), thread in first.items() if pid is not None}
    deltas = {}
    for key, after in last.items():
        before = by_pid.get(key[1]) if key[1] is not None else first.get(key)
        if before is None or before.kind != after.kind or after.cpu_ns is None or before.cpu_ns is None:
            continue
        if after.cpu_ns >= before.cpu_ns:
            deltas[key] = ThreadDelta(thread=after, cpu_ns=after.cpu_ns - before.cpu_ns, span_ns=span_ns,
                                      resolution_ns=after.resolution_ns)  # fmt: skip
    return deltas


def _counters(first, last):
    """{name: difference}; a counter that fell was reset and is left out."""
    if first is None or last is None:
        return None
    return {name: value - first[name] for name, value in last.items() if name in first and value >= first[name]}


def _netdev_stats(first, last):
    if first is None or last is None:
        return None
    return {device: _counters(first[device], stats) for device, stats in last.items() if device in first}


def _stat_counter(first, last, name):
    old, new = getattr(first, name, None), getattr(last, name, None)
    return None if old is None or new is None or new < old else new - old
