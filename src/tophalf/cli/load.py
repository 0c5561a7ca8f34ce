"""From a parsed MACHINE argument to its snapshots as a Series, and to the head that every output begins with."""

from tophalf.cli import render
from tophalf.cli.simulated import open_named
from tophalf.errors import MachineError
from tophalf.host.sample import take_snapshots
from tophalf.judge import metrics


def load(argument, seconds=1.0, fields=(), facts=()):
    """Open MACHINE and read it.

    Returns: (Machine, Series). Raises: MachineError when there are no counters in it, or the first field cannot be read.
    """
    machine = open_named(argument, events=False)
    if not machine.holds_counters:
        raise MachineError("is a trace alone and holds no counters", machine.label, "name a directory, a tar or a recording")
    snapshots = take_snapshots(machine, seconds, fields, facts, _say_waiting)
    render.progress("")
    _need(machine, snapshots[-1], fields)
    return machine, metrics.over(snapshots)


def _say_waiting(seconds):
    render.progress(f"watching for {seconds:g} s ...")


def _need(machine, snapshot, fields):
    """The first field asked for is what the command is about: without it there is nothing to show."""
    if fields and getattr(snapshot, fields[0]) is None:
        where, why = next(((path, why) for path, why in snapshot.missing.items() if fields[0] in path), ("", "not recorded"))
        raise MachineError(f"{fields[0]} cannot be shown: {why}", f"{machine.label}: {where}" if where else machine.label)


def machine_head(machine):
    """What every JSON document says of its machine, where no snapshots were subtracted."""
    from tophalf.host.readers.boot import read_boot

    boot = read_boot(machine.facts_root) if machine.moments else None
    times = [time_ns for time_ns, _ in machine.moments]
    seconds = round((times[-1] - times[0]) / 1e9, 6) if len(times) > 1 else None
    return _head(machine, boot, len(machine.moments), seconds, [])


def head(machine, series):
    """What every JSON document says of its machine, with what was watched."""
    seconds = round(series.whole.seconds, 6) if series.whole else None
    boot = series.facts.boot if series.facts else None
    return _head(machine, boot, len(series.snapshots), seconds, unread(series))


def _head(machine, boot, moments, seconds, notes):
    return {
        "label": machine.label,
        "kind": machine.kind,
        "kernel": _release(boot),
        "moments": moments,
        "seconds": seconds,
        "notes": [*machine.notes, *notes],
    }


def unread(series):
    """Lines about what was damaged in the files read; what is merely absent shows as '-' where it would stand."""
    ordinary = ("not recorded", "needs root")
    return [f"{path}: {why}" for path, why in series.last.missing.items() if why not in ordinary]


def _release(boot):
    words = ((boot.version if boot else None) or "").split()
    return words[2] if words[:2] == ["Linux", "version"] and len(words) > 2 else None


def head_line(machine, series):
    """The head for people, one line, then one line a note."""
    facts = head(machine, series)
    cpus = series.last.interrupts.cpus if series.last.interrupts else series.last.softirqs.cpus if series.last.softirqs else ()
    parts = [facts["label"], f"Linux {facts['kernel']}" if facts["kernel"] else "kernel not recorded", f"{len(cpus)} CPUs"]
    if facts["seconds"]:
        parts.append(f"over {facts['seconds']:.3g} s")
    elif machine.live:
        parts.append("counts since boot (one sample: no rates)")
    else:
        parts.append("one moment recorded: no rates")
    lines = [render.paint(", ".join(parts), "bold")]
    return "\n".join([*lines, *(render.paint(f"note: {render.printable(note)}", "yellow") for note in facts["notes"])])
