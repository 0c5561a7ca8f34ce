"""NAME@SECONDS: one moment of a series, with what does not change read from the series' first moment."""

from tophalf.errors import MachineError
from tophalf.host.roots import FallbackRoot


def split_moment(argument):
    """Returns (name, seconds since the first moment), or (argument, None) where it does not end in @SECONDS."""
    name, at, seconds = argument.rpartition("@")
    try:
        value = float(seconds) if at and name else None
    except ValueError:
        return argument, None
    return (argument, None) if value is None or value - value else (name, value)


def pick_moment(machine, seconds):
    """Leave a Machine the recorded moment nearest to `seconds`; its label then names that moment.

    Raises: MachineError: no recorded moments in it, or none so early or late (further off than the largest gap).
    """
    if machine.live or not machine.moments:
        why = "is live: it has no recorded moments" if machine.live else "is a trace alone: no moments are in it"
        raise MachineError(why, machine.label, "leave @SECONDS out")
    start_ns = machine.moments[0][0]
    times = [(time_ns - start_ns) / 1e9 for time_ns, _ in machine.moments]
    gap = max((after - before for before, after in zip(times, times[1:], strict=False)), default=0.0)
    if not -gap <= seconds <= times[-1] + gap:
        raise MachineError(f"no moment at {seconds:g} s", machine.label, f"its moments go from 0 to {times[-1]:.3f} s")
    at = min(range(len(times)), key=lambda index: abs(times[index] - seconds))
    if at:
        machine.facts_root = FallbackRoot(machine.moments[0][1], machine.moments[at][1])
    machine.moments, machine.kind = [machine.moments[at]], "moment"
    machine.label = moment_label(machine.label, times[at])
    if machine.trace is not None:
        machine.notes.append(f"the trace is of all {len(times)} moments, not of this one alone")


def moment_label(label, seconds):
    """What a moment of a series is called: r.tar@1.002."""
    return f"{label}@{seconds:.3f}"
