"""Two machines, or two moments of one: what moved (counters) and what changed (masks, settings, the lines themselves)."""

from tophalf.frozen import Frozen
from tophalf.judge import metrics
from tophalf.vocab import cpu_list


class Moved(Frozen):
    """A counter on both sides. before, after: rates per second, or counts when only counts can be compared."""

    __slots__ = ("what", "before", "after")

    @property
    def change(self):
        return self.after - self.before


class Changed(Frozen):
    """A setting that is not the same on both sides, as text."""

    __slots__ = ("what", "before", "after")


def moved(first, second):
    """Counters of two Series that differ, largest change first. Rates when both sides have them, else counts since boot.

    Returns: (unit, [Moved]); unit is "/s" or "".
    """
    if first.whole and second.whole:
        before, after, unit = _rates(first.whole), _rates(second.whole), "/s"
    else:
        before, after, unit = _counts(first.last), _counts(second.last), ""
    names = [*before, *(name for name in after if name not in before)]
    rows = [Moved(what=name, before=before.get(name, 0), after=after.get(name, 0)) for name in names]
    return unit, sorted((row for row in rows if row.change), key=lambda row: -abs(row.change))


def _rates(delta):
    rates = {f"irq {key} {_name(line.line)}": line.rate for key, line in (delta.lines or {}).items()}
    rates.update({f"softirq {name}": delta.rate(sum(cpus.values())) for name, cpus in (delta.softirqs or {}).items()})
    for cpu, row in (delta.softnet or {}).items():
        rates.update({f"softnet CPU{cpu} {name}": delta.rate(getattr(row, name)) for name in _SOFTNET})
    rates.update({f"udp {name}": delta.rate(count) for name, count in (delta.udp or {}).items()})
    for device, stats in (delta.netdev_stats or {}).items():
        rates.update({f"{device} {name}": delta.rate(count) for name, count in (stats or {}).items()})
    rates["context switches"] = delta.rate(delta.context_switches) or 0
    return rates


_SOFTNET = ("processed", "dropped", "time_squeeze")


def _counts(snapshot):
    counts = {}
    if snapshot.interrupts:
        counts.update({f"irq {key} {_name(line)}": sum(line.counts) for key, line in snapshot.interrupts.lines.items()})
    if snapshot.softirqs:
        counts.update({f"softirq {name}": sum(row) for name, row in snapshot.softirqs.rows.items()})
    for cpu, row in (snapshot.softnet or {}).items():
        counts.update({f"softnet CPU{cpu} {name}": getattr(row, name) for name in _SOFTNET})
    counts.update({f"udp {name}": count for name, count in (snapshot.udp or {}).items()})
    return counts


def _name(line):
    return ", ".join(line.actions) or line.description or ""


def changed(first, second):
    """Settings of two Series that are not the same; what one side does not hold is not compared. Returns [Changed]."""
    before, after = first.snapshots, second.snapshots
    rows = list(_changed_lines(first.last.interrupts, second.last.interrupts))
    rows += _changed_tables(_masks(before, first is second), _masks(after))
    rows += _changed_tables(_facts(first.facts), _facts(second.facts))
    return rows


def _changed_lines(before, after):
    if before is None or after is None:
        return
    if before.cpus != after.cpus:
        yield Changed(what="online CPUs", before=cpu_list(before.cpus), after=cpu_list(after.cpus))
    for key in [*before.lines, *(key for key in after.lines if key not in before.lines)]:
        old, new = before.lines.get(key), after.lines.get(key)
        if old is None or new is None:
            yield Changed(what=f"irq {key}", before=_name(old) if old else None, after=_name(new) if new else None)
        elif not metrics.same_source(old, new):
            yield Changed(what=f"irq {key}", before=_name(old), after=_name(new))


def _masks(snapshots, earliest=False):
    """Masks as text of the last moment that holds them, or of the earliest."""
    shots = [shot.irq_files for shot in snapshots if shot.irq_files is not None]
    files = (shots[0] if earliest else shots[-1]) if shots else {}
    rows = {}
    for irq, file in files.items():
        for field in ("affinity", "effective_affinity", "affinity_hint"):
            cpus = getattr(file, field)
            rows[f"irq {irq} {field}"] = None if cpus is None else cpu_list(cpus)
    return rows


def _facts(facts):
    """Every setting of Facts as {name: text}."""
    rows = {}
    if facts is None:
        return rows
    if facts.boot:
        rows.update({f"boot {name}": facts.boot.as_dict()[name] for name in ("version", "cmdline")})
    rows.update({f"sysctl {name}": value for name, value in (facts.sysctl or {}).items()})
    for device in (facts.net or {}).values():
        rows.update(_device_settings(device))
    rows.update({f"workqueue {name} cpumask": cpu_list(cpus) for name, cpus in (facts.workqueues or {}).items()})
    for name, daemon in (facts.daemons or {}).items():
        rows[f"daemon {name}"] = "running" if daemon else "not running" if daemon is False else None
    return rows


def _device_settings(device):
    rows = {f"{device.name} {key}": getattr(device, key) for key in
            ("driver", "operstate", "mtu", "rx_queues", "tx_queues", "threaded", "gro_flush_timeout_ns",
             "napi_defer_hard_irqs")}  # fmt: skip
    for table in ("rings", "channels", "coalesce"):
        rows.update({f"{device.name} {table} {key}": value for key, value in (getattr(device, table) or {}).items()})
    for table in ("rps", "xps"):
        cpus = getattr(device, table) or {}
        rows.update({f"{device.name} {table} queue {queue}": cpu_list(value) for queue, value in cpus.items()})
    return rows


def _changed_tables(before, after):
    both = [name for name in before if name in after and before[name] is not None and after[name] is not None]
    return [Changed(what=name, before=str(before[name]), after=str(after[name])) for name in both if before[name] != after[name]]
