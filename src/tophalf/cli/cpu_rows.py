"""One plain dict per CPU from a Series: what `cpus --json` prints and `cpus` lays out."""

from tophalf.judge.metrics import per_second


def cpu_rows(series):
    """Rows by CPU number; docs/json.md (cpus) describes each key. With one moment counts stand where rates would."""
    whole = series.whole
    tables = _moved(series) if whole else _since_boot(series.last)
    nodes = _nodes(series)
    return [{"cpu": cpu, "node": nodes.get(cpu), **_row(cpu, tables, whole)} for cpu in _online(tables)]


def _online(tables):
    """CPUs with a column in /proc/interrupts: /proc/softirqs has one for each possible CPU, 240 on many a guest with four."""
    if tables["interrupts"] is not None:
        return sorted(tables["interrupts"])
    return sorted({cpu for table in tables["softirqs"].values() for cpu in table})


def _moved(series):
    whole = series.whole
    return {
        "interrupts": _by_cpu((delta.by_cpu for delta in whole.lines.values()), whole.cpus) if whole.lines is not None else None,
        "softirqs": whole.softirqs or {},
        "softnet": whole.softnet or {},
        "span_ns": whole.span_ns,
    }


def _since_boot(snapshot):
    lines, cpus = snapshot.interrupts.lines.values(), snapshot.interrupts.cpus
    by_cpu = (dict(zip(cpus, line.counts, strict=True)) for line in lines if line.per_cpu)
    softirqs = snapshot.softirqs.rows if snapshot.softirqs else {}
    return {
        "interrupts": _by_cpu(by_cpu, cpus),
        "softirqs": {name: dict(zip(snapshot.softirqs.cpus, counts, strict=True)) for name, counts in softirqs.items()},
        "softnet": snapshot.softnet or {},
        "span_ns": None,
    }


def _by_cpu(tables, cpus):
    sums = dict.fromkeys(cpus, 0)
    for table in tables:
        for cpu, count in table.items():
            if cpu in sums:
                sums[cpu] += count
    return sums


def _nodes(series):
    topology = series.facts.topology if series.facts else None
    return (topology.node_of if topology else None) or {}


def _row(cpu, tables, whole):
    span_ns, softnet = tables["span_ns"], tables["softnet"].get(cpu)
    return {
        "interrupts": _rate((tables["interrupts"] or {}).get(cpu), span_ns),
        "softirqs": {name: _rate(counts.get(cpu), span_ns) for name, counts in tables["softirqs"].items()},
        **_times(cpu, whole),
        **_thread_shares(cpu, whole),
        "softnet": {
            name: _rate(getattr(softnet, name), span_ns) for name in ("processed", "dropped", "time_squeeze", "received_rps")
        }
        if softnet
        else None,
    }


def _rate(count, span_ns):
    if count is None or span_ns is None:
        return count
    return round(per_second(count, span_ns), 3)


def _times(cpu, whole):
    """Shares of the CPU's time in hardirqs and softirqs; a kernel without IRQ time accounting says 0 for both."""
    times = (whole.cpu_times or {}).get(cpu) if whole else None
    if times is None:
        return dict.fromkeys(("hardirq_share", "softirq_share", "busy_share", "lost_share"))
    return {
        "hardirq_share": round(times.share("irq"), 4),
        "softirq_share": round(times.share("softirq"), 4),
        "busy_share": round(times.busy_share, 4),
        "lost_share": round(times.lost_share, 4),
    }


def _thread_shares(cpu, whole):
    """CPU shares of the threads that do interrupt work, by kind; None where threads were not recorded."""
    kinds = {"ksoftirqd_share": ("ksoftirqd", "ktimers"), "irq_threads_share": ("irq", "napi"), "kworkers_share": ("kworker",)}
    if not whole or whole.threads is None:
        return dict.fromkeys(kinds)
    return {key: _share_of(cpu, names, whole.threads.values()) for key, names in kinds.items()}


def _share_of(cpu, kinds, deltas):
    return round(sum(delta.share for delta in deltas if delta.thread.kind in kinds and delta.thread.cpu == cpu), 4)
