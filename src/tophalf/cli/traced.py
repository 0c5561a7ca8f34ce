"""What `trace`, `laws` and `export` begin with: a machine with a trace, recorded now where none is named, and its events."""

from tophalf.cli import render
from tophalf.cli.simulated import open_named
from tophalf.errors import MachineError


def traced_machine(args, seconds):
    """The MACHINE that is named; without one (or with /) this host, traced first for args.seconds or `seconds`.

    Raises: MachineError, before anything is recorded where that is to fail.
    """
    if names_this_host(args):
        return _traced_now(args.seconds or seconds)
    refuse_seconds(args, args.seconds)
    return open_named(args.machine, args.trace)


def names_this_host(args):
    """Whether MACHINE is left out, or / as `irqs` and `check` take it, and no trace stands beside it."""
    return not args.trace and not (args.machine or "").strip("/")


def refuse_seconds(args, seconds):
    """Raises: MachineError for --seconds with something that was recorded already."""
    if seconds is not None:
        do = "a recording is as long as it is: leave it out"
        raise MachineError("--seconds is how long to watch a live machine", args.machine or args.trace, do)


def need_tracing():
    """Raises: MachineError where this host cannot be traced; ModuleNotFoundError where its events could not be read then."""
    from tophalf.host.record.tracefs import tracefs_path

    tracefs_path()
    import numpy  # noqa: F401  missed now and not after the recording


def _traced_now(duration_s):
    need_tracing()
    from tophalf.host.record.recorder import record_machine

    render.progress(f"tracing this host for {duration_s:g} s ...")
    machine, _ = record_machine(duration_s)
    render.progress("")
    return machine


def events_of(machine):
    """The EventTable of a machine's trace. Raises: MachineError where it has none, with what was damaged of it."""
    from tophalf.host.trace.traces import load_events

    table = load_events(machine)
    if table is not None:
        return table
    damage = "; ".join(note.removeprefix(f"{machine.label}: ") for note in machine.notes)
    what = f"no tracing in this recording ({damage})" if damage else "no tracing in this recording"
    raise MachineError(what, machine.label, "name a trace beside it: --trace FILE")
