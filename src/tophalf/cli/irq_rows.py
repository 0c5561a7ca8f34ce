"""One plain dict per interrupt, from the last moment of a Series: what `irqs --json` prints and `irqs` lays out."""


def irq_rows(series):
    """Rows in file order; docs/json.md (irqs) describes each key. Rates are None with one moment."""
    masks = _last_with(series, "irq_files") or {}
    return [_row(series, line, masks.get(line.irq)) for line in series.last.interrupts.lines.values()]


def _last_with(series, field):
    """A field of the latest moment that holds it: a recorded series has masks at its first and last moment only."""
    return next((value for shot in reversed(series.snapshots) if (value := getattr(shot, field)) is not None), None)


def _row(series, line, files):
    value, evidence = _managed(series, line, files)
    cpus = series.last.interrupts.cpus
    return {
        "irq": line.key if line.irq is None else line.irq,
        "kind": line.kind,
        "total": sum(line.counts),
        "per_cpu": {str(cpu): count for cpu, count in zip(cpus, line.counts, strict=True)} if line.per_cpu else None,
        **_rates(series, line.key),
        "chip": line.chip or (files.chip if files else None),
        "hwirq": files.hwirq if line.hwirq is None and files else line.hwirq,
        "trigger": line.trigger or (files.trigger if files else None),
        "actions": list(line.actions),
        "description": line.description if line.irq is None else None,
        "affinity": _listed(files, "affinity"),
        "effective_affinity": _listed(files, "effective_affinity"),
        "affinity_hint": _listed(files, "affinity_hint"),
        "node": files.node if files else None,
        "managed": value,
        "managed_evidence": evidence,
        "spurious": files.spurious.as_dict() if files and files.spurious else None,
    }


def _rates(series, key):
    delta = series.whole.lines.get(key) if series.whole and series.whole.lines else None
    if delta is None:
        return {"rate": None, "rate_per_cpu": None}
    per_cpu = {str(cpu): round(delta.rate_on(cpu), 3) for cpu in delta.by_cpu} if delta.line.per_cpu else None
    return {"rate": round(delta.rate, 3), "rate_per_cpu": per_cpu}


def _listed(files, field):
    cpus = getattr(files, field) if files else None
    return None if cpus is None else list(cpus)


def _managed(series, line, files):
    if line.irq is None:
        return None, None
    from tophalf.judge.managed import managed

    return managed(line, files, series.facts, (_last_with(series, "fixed") or {}).get(line.irq))
