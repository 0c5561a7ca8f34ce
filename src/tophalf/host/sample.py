"""Moments into snapshots: two samples of a live machine, or all that were recorded."""

import time

from tophalf.host.read import ALL, ALL_FACTS, read_facts, read_snapshot


def take_snapshots(machine, seconds=1.0, fields=ALL, facts=ALL_FACTS, on_wait=None):
    """Snapshots in order of time: at least one for a MACHINE with counters, none for a bare trace.

    A live machine is read now and again after `seconds` (0: once). on_wait(seconds): told before the wait.
    """
    if not machine.moments:
        return []
    known = read_facts(machine.facts_root, facts) if facts else None
    if machine.facts_root is not machine.moments[0][1]:
        machine.moments[0][1].missing.update(machine.facts_root.missing)
    if machine.live:
        return _live_snapshots(machine.moments[0][1], seconds, fields, known, on_wait)
    return [read_snapshot(root, time_ns, fields, known) for time_ns, root in machine.moments]


def _live_snapshots(root, seconds, fields, known, on_wait):
    first = read_snapshot(root, time.monotonic_ns(), fields, known)
    if not seconds:
        return [first]
    if on_wait:
        on_wait(seconds)
    time.sleep(seconds)
    return [first, read_snapshot(root, time.monotonic_ns(), fields, known)]
