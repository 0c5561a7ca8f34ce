"""What changed between two machines, or two moments of one: masks, settings, the lines themselves. Unseen is not unchanged."""

from tophalf.frozen import Frozen
from tophalf.judge import metrics
from tophalf.judge.compare import SIDES, NotCompared, line_name, not_recorded
from tophalf.vocab import cpu_list

_MASKS = {"affinity": "masks", "effective_affinity": "effective masks", "affinity_hint": "affinity hints"}


class Changed(Frozen):
    """A setting that is not the same on both sides, as text; None: a line that is not there."""

    __slots__ = ("what", "before", "after")


class Changes(Frozen):
    """rows: [Changed]. compared: names of the tables that both sides hold. not_compared: [NotCompared]."""

    __slots__ = ("rows", "compared", "not_compared")


def changed(first, second, one_machine=False, sides=SIDES):
    """Settings of two Series. Masks are of the last moment of each that holds them; settings are read once a machine.

    Returns Changes.
    """
    before, after = _masks(first.snapshots), _masks(second.snapshots)
    unseen = []
    if one_machine:
        unseen = [NotCompared(what="settings", why="read once for all moments")]
    else:
        before, after = {**before, **_settings(first.facts)}, {**after, **_settings(second.facts)}
    rows = list(_changed_lines(first.last.interrupts, second.last.interrupts))
    both = [table for table in before if before[table] is not None and after[table] is not None]
    for table in both:
        rows += _changed_rows(before[table], after[table])
    return Changes(rows=rows, compared=both, not_compared=not_recorded(before, after, sides) + unseen)


def _changed_lines(before, after):
    if before is None or after is None:
        return
    if before.cpus != after.cpus:
        yield Changed(what="online CPUs", before=cpu_list(before.cpus), after=cpu_list(after.cpus))
    for key in dict.fromkeys((*before.lines, *after.lines)):
        old, new = before.lines.get(key), after.lines.get(key)
        if old is None or new is None:
            yield Changed(what=f"irq {key}", before=line_name(old) if old else None, after=line_name(new) if new else None)
        elif not metrics.same_source(old, new):
            yield Changed(what=f"irq {key}", before=_source(old, new), after=_source(new, old))


def _source(line, other):
    """What stands behind a number; with its chip and hardware line where the names alone are alike."""
    name = line_name(line)
    return name if name != line_name(other) else " ".join(str(part) for part in (name, line.chip, line.hwirq) if part is not None)


def _changed_rows(before, after):
    known = [name for name in before if before[name] is not None and after.get(name) is not None]
    return [Changed(what=name, before=str(before[name]), after=str(after[name])) for name in known if before[name] != after[name]]


def _masks(snapshots):
    """Tables of masks as text, {name: {row: text or None} or None}."""
    files = next((shot.irq_files for shot in reversed(snapshots) if shot.irq_files is not None), {})
    tables = {}
    for field, table in _MASKS.items():
        cpus = {irq: getattr(file, field) for irq, file in files.items()}
        rows = {f"irq {irq} {field}": None if each is None else cpu_list(each) for irq, each in cpus.items()}
        tables[table] = rows if any(text is not None for text in rows.values()) else None
    return tables


def _settings(facts):
    """Tables of Facts as text; None where a machine does not hold one."""
    boot, sysctl, net, workqueues = (getattr(facts, name, None) for name in ("boot", "sysctl", "net", "workqueues"))
    devices = {}
    for device in (net or {}).values():
        devices.update(_device_settings(device))
    return {
        "kernel": {f"boot {name}": getattr(boot, name) for name in ("version", "cmdline")} if boot else None,
        "sysctls": {f"sysctl {name}": value for name, value in sysctl.items()} if sysctl else None,
        "network devices": devices or None,
        "workqueues": {f"workqueue {name} cpumask": cpu_list(cpus) for name, cpus in workqueues.items()} if workqueues else None,
        "daemons": _daemons(getattr(facts, "daemons", None)),
    }


def _daemons(daemons):
    words = {name: "running" if daemon else "not running" if daemon is False else None for name, daemon in (daemons or {}).items()}
    return {f"daemon {name}": word for name, word in words.items()} if any(words.values()) else None


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
