"""Two machines, or two moments of one: what moved (counters, CPU time of interrupt work) and what could not be compared."""

from tophalf.frozen import Frozen
from tophalf.judge import metrics
from tophalf.snapshot import STAT_TIMES

SIDES = ("A", "B")
_SOFTNET = ("processed", "dropped", "time_squeeze")
_TIMES = ("irq", "softirq")  # columns of /proc/stat that interrupt work is accounted in
_IN_MS = ("CPU times", "thread CPU times")  # tables whose values are milliseconds


class Moved(Frozen):
    """A counter on both sides. before, after: per second, or since boot; unit: "count" or "ms" of CPU time.

    change: after - before between two machines; between moments of one machine what really came, through a wrap.
    """

    __slots__ = ("what", "unit", "before", "after", "change")


class NotCompared(Frozen):
    """What nothing can be said of, and why, as text."""

    __slots__ = ("what", "why")


class Moves(Frozen):
    """per: "second" or "since boot". rows: [Moved] that differ, largest change first. not_compared: [NotCompared]."""

    __slots__ = ("per", "rows", "not_compared")


def moved(first, second, one_machine=False, sides=SIDES):
    """Counters of two Series. Rates where both have them, else the counts since boot of their last moments.

    one_machine: both are of one recording, so that counts subtract as time went on: through wraps, line by line, and not
    where a number went to another device or was reset. sides: what to call the two. Returns Moves.
    """
    if first.whole and second.whole:
        return _rates_compared(first.whole, second.whole, sides)
    before, after = _since_boot(first.last), _since_boot(second.last)
    if one_machine:
        return _moments_compared(first.last, second.last, before, after, sides)
    rows, missing = _subtracted(before, after, sides)
    return Moves(per="since boot", rows=_sorted(rows), not_compared=missing)


def _rates_compared(first, second, sides):
    unknown = [_unknown_lines(delta, side) for delta, side in zip((first, second), sides, strict=True)]
    known = [_of_delta(delta, metrics.per_second, {**unknown[0], **unknown[1]}) for delta in (first, second)]
    rows, missing = _subtracted(*known, sides)
    missing += [NotCompared(what=f"irq {key}", why=why) for key, why in {**unknown[1], **unknown[0]}.items()]
    return Moves(per="second", rows=_sorted(rows), not_compared=missing)


def _unknown_lines(delta, side):
    """{key: why} of lines without a rate; one that came on the way has the rate of the time since."""
    return {key: f"{why} in {side}" for key, why in delta.unknown.items() if key not in (delta.lines or {})}


def _subtracted(before, after, sides):
    """Tables subtracted row by row: a row that only one side has is 0 on the other. Returns ([Moved], [NotCompared])."""
    rows = []
    for table in before:
        old, new = before[table], after[table]
        if old is None or new is None:
            continue
        for what in dict.fromkeys((*old, *new)):
            values = old.get(what, 0), new.get(what, 0)
            rows.append(Moved(what=what, unit=_unit(table), before=values[0], after=values[1], change=values[1] - values[0]))
    return rows, not_recorded(before, after, sides)


def _moments_compared(first, second, before, after, sides):
    """Moments of one machine, in either order: what came between them, with the counts at both."""
    backwards = second.time_ns < first.time_ns
    delta = metrics.between(second, first) if backwards else metrics.between(first, second)
    sign, rows = -1 if backwards else 1, []
    for table, moves in _of_delta(delta, lambda count, _: count).items():
        for what, count in (moves or {}).items():
            rows.append(Moved(what=what, unit=_unit(table), before=before[table].get(what), after=after[table].get(what),
                              change=sign * count))  # fmt: skip
    # What appeared or vanished is told among what changed.
    broken = {key: why for key, why in delta.unknown.items() if why not in ("appeared", "vanished")}
    missing = not_recorded(before, after, sides) + [NotCompared(what=f"irq {key}", why=why) for key, why in broken.items()]
    return Moves(per="since boot", rows=_sorted(rows), not_compared=missing)


def not_recorded(before, after, sides):
    """[NotCompared] for tables ({name: rows or None}) that a side does not hold."""
    found = []
    for table in before:
        lacking = [side for side, tables in zip(sides, (before, after), strict=True) if tables[table] is None]
        if lacking:
            found.append(NotCompared(what=table, why=f"not recorded in {' and '.join(lacking)}"))
    return found


def _unit(table):
    return "ms" if table in _IN_MS else "count"


def _sorted(rows):
    return sorted((row for row in rows if row.change), key=lambda row: -abs(row.change))


def _of_delta(delta, per, without=()):
    """Tables of what moved, {name: {row: value} or None}. per(count, span_ns) makes the value."""
    span_ns = delta.span_ns
    times = {f"CPU{cpu} {name} time": time.times[name] / 1e6 for cpu, time in (delta.cpu_times or {}).items() for name in _TIMES}
    threads = _summed((thread_row(delta.thread), delta.cpu_ns / 1e6) for delta in (delta.threads or {}).values())
    tables = {
        "softirqs": None if delta.softirqs is None else _softirqs((name, row.values()) for name, row in delta.softirqs.items()),
        **_network(delta),
        "context switches": _one("context switches", delta.context_switches),
        "CPU times": None if delta.cpu_times is None else times,
        "thread CPU times": None if delta.threads is None else threads,
    }
    tables = {table: None if rows is None else {what: per(value, span_ns) for what, value in rows.items()}
              for table, rows in tables.items()}  # fmt: skip
    known = [(key, line) for key, line in (delta.lines or {}).items() if key not in without]
    lines = {line_row(key, line.line): per(line.count, line.span_ns) for key, line in known}
    return {"interrupts": None if delta.lines is None else lines, **tables}


def _since_boot(snapshot):
    """Tables of the counts at one moment, as _of_delta."""
    lines, softirqs, stat = snapshot.interrupts, snapshot.softirqs, snapshot.stat
    threads = snapshot.threads.values() if snapshot.threads is not None else ()
    timed = ((thread_row(thread), thread.cpu_ns / 1e6) for thread in threads if thread.cpu_ns is not None)
    return {
        "interrupts": {line_row(key, line): metrics.total(line.counts) for key, line in lines.lines.items()} if lines else None,
        "softirqs": _softirqs(softirqs.rows.items()) if softirqs else None,
        **_network(snapshot),
        "context switches": _one("context switches", stat.context_switches if stat else None),
        "CPU times": _ticks(stat, metrics.tick_ns(snapshot)) if stat else None,
        "thread CPU times": None if snapshot.threads is None else _summed(timed),
    }


def _network(source):
    """Tables that a Delta and a Snapshot hold in one form."""
    softnet, stats = source.softnet, source.netdev_stats
    rows = {f"softnet CPU{cpu} {name}": getattr(row, name) or 0 for cpu, row in (softnet or {}).items() for name in _SOFTNET}
    counters = {f"{device} {name}": count for device, of in (stats or {}).items() for name, count in (of or {}).items()}
    return {
        "softnet_stat": None if softnet is None else rows,
        "UDP counters": None if source.udp is None else {f"udp {name}": count for name, count in source.udp.items()},
        "device counters": None if stats is None else counters,
    }


def _softirqs(rows):
    return {f"softirq {name}": sum(counts) for name, counts in rows}


def _one(name, value):
    return None if value is None else {name: value}


def _ticks(stat, tick_ns):
    columns = [(name, STAT_TIMES.index(name)) for name in _TIMES]
    return {f"CPU{cpu} {name} time": ticks[at] * tick_ns / 1e6
            for cpu, ticks in stat.ticks.items() for name, at in columns if at < len(ticks)}  # fmt: skip


def _summed(pairs):
    sums = {}
    for name, value in pairs:
        sums[name] = sums.get(name, 0) + value
    return sums


def thread_row(thread):
    """A thread's name on any machine; kworkers, whose numbers mean nothing elsewhere, by the CPU they are bound to."""
    if thread.kind != "kworker":
        return thread.name
    return "unbound kworkers" if thread.cpu is None else f"kworkers of CPU{thread.cpu}"


def line_row(key, line):
    """What a line of /proc/interrupts is called."""
    return f"irq {key} {line_name(line)}".rstrip()


def line_name(line):
    """Its actions, or the kernel's words for it."""
    return ", ".join(line.actions or ()) or line.description or ""
