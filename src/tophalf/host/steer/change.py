"""Set and restore masks of live lines: remember what was there, write, see where the interrupts land."""

import time

from tophalf.errors import SteerError
from tophalf.frozen import Frozen
from tophalf.host.steer.affinity import Refused, write_affinity
from tophalf.host.steer.landing import Tracker, masks, watch
from tophalf.host.steer.targets import identify
from tophalf.host.steer.undo import boot_id, check_same_line


class Outcome(Frozen):
    """What became of one line. before, after: CPUs asked for; effective_before; written: whether a mask was written.

    refused: Refused or another SteerError, or None. landing: Landing, None when refused. left: changes that can still be
    undone on this line, None when nothing is remembered.
    """

    __slots__ = ("irq", "before", "after", "effective_before", "written", "refused", "landing", "left")


def set_lines(root, interrupts, irqs, cpus, state=None, wait_s=2.0):
    """Give lines a new mask, then watch them together. state: an entered State, or None when nothing can be remembered.

    Returns: [Outcome] in order of irqs. A refusal of one line does not stop the others.
    """
    group = state.next_group() if state else 0
    begun = [_begin(root, interrupts, irq, cpus, state, group) for irq in irqs]
    return _watched(root, begun, state, wait_s)


def restore_lines(root, interrupts, entries, state, wait_s=2.0):
    """Put back what `entries` of the state file hold, newest first; several of one line go back to the oldest.

    An entry is dropped only when its mask is back. Returns: [Outcome] in order of IRQ.
    """
    by_irq = {}
    for entry in entries:
        by_irq.setdefault(entry["irq"], []).append(entry)
    begun = []
    for irq, steps in sorted(by_irq.items()):
        try:
            check_same_line(steps[-1], identify(root, interrupts, irq))
            begun.append(_restore(root, irq, steps, state, wait_s))
        except SteerError as error:
            begun.append(Outcome(irq=irq, after=tuple(steps[-1]["before"]), written=False, refused=error))
    return _watched(root, begun, state, wait_s)


def _begin(root, interrupts, irq, cpus, state, group):
    before, effective = masks(root, irq)
    outcome = Outcome(irq=irq, before=before, after=tuple(cpus), effective_before=effective, written=False)
    if before is None:
        return outcome.replace(refused=SteerError("has no mask: the kernel does not steer it", f"IRQ {irq}"))
    if before == tuple(cpus):
        return outcome
    line = identify(root, interrupts, irq)
    entry = {"boot": boot_id(root), "irq": irq, "line": line, "before": list(before), "after": list(cpus),
             "effective_before": effective and list(effective), "group": group, "time_s": int(time.time())}  # fmt: skip
    if state:
        state.push(entry)
    try:
        write_affinity(root, irq, cpus)
    except Refused as error:
        if state:
            _remember_refusal(state, entry, error)
        return outcome.replace(refused=error)
    return outcome.replace(written=True)


def _remember_refusal(state, entry, error):
    import errno

    state.drop(entry)
    if error.fixed:
        kept = {name: entry[name] for name in ("boot", "irq", "line", "time_s")}
        state.refuse({**kept, "error": errno.errorcode[error.number]})


def _restore(root, irq, steps, state, wait_s):
    oldest = steps[-1]
    before, effective = masks(root, irq)
    if before is None:
        raise SteerError("has no mask any more", f"IRQ {irq}")
    target, old_effective = tuple(oldest["before"]), tuple(oldest["effective_before"] or ())
    outcome = Outcome(irq=irq, before=before, after=target, effective_before=effective, written=True)
    if _drifted(target, old_effective, effective):
        # x86 keeps a line on its CPU while the mask allows it (arch/x86/kernel/apic/vector.c assign_vector_locked), so the
        # wide mask alone would leave it where the change had put it. Lead it back first.
        write_affinity(root, irq, old_effective)
        watch([Tracker(root, irq, old_effective)], wait_s)
    write_affinity(root, irq, target)
    for entry in steps:
        state.drop(entry)
    return outcome


def _drifted(target, old_effective, effective):
    return bool(old_effective) and set(old_effective) < set(target) and effective is not None and effective != old_effective


def _watched(root, begun, state, wait_s):
    trackers = [Tracker(root, outcome.irq, outcome.after) for outcome in begun if not outcome.refused]
    landings = watch(trackers, wait_s)
    left = {outcome.irq: sum(entry["irq"] == outcome.irq for entry in state.changes) for outcome in begun} if state else {}
    return [outcome.replace(landing=landings.get(outcome.irq), left=left.get(outcome.irq)) for outcome in begun]
