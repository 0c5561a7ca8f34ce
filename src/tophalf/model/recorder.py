"""A run with its moments: what `tophalf record` takes of a host, taken of a world.

Moments are at the start and the end and in between once a second, ten at the least where that leaves a tenth of a second for each:
the columns of /proc/stat are told in hundredths. As of a host, the files of lines, statistics of devices and the log are read more
seldom than counters. Without tracing memory stays flat; with it the first EVENTS_MAX events are kept, and tracing ends there.
"""

from tophalf.model.machine.take import take_snapshot
from tophalf.model.simulate import run_on

SECOND_NS = 10**9
MOMENT_NS_MIN, SHORT_MOMENTS, MOMENTS_MAX = SECOND_NS // 10, 10, 1000
WHOLE_EVERY = 10  # moments
EVENTS_MAX = 1_000_000  # 72 MB of rows, half as much in a recording
TRACE_ROWS = 1 << 15


def moment_times(until_ns):
    """When moments are taken, from 0 on."""
    step = max(MOMENT_NS_MIN, min(SECOND_NS, until_ns // SHORT_MOMENTS))
    step = max(step, -(-until_ns // MOMENTS_MAX // SECOND_NS) * SECOND_NS if until_ns > MOMENTS_MAX * SECOND_NS else step)
    return [0, *range(step, until_ns - step // 2, step), until_ns]


def record(world, until_ns, progress=None):
    """Run a world that has not run yet, to until_ns. progress(now_ns, until_ns): called now and then.

    Returns: [Snapshot], from the start to the end. Where the world traces, `model.table.event_table` has its events then.
    Raises: TophalfError.
    """
    world.rows_max = EVENTS_MAX
    times, snapshots = moment_times(until_ns), []
    for number, time_ns in enumerate(times):
        run_on(world, time_ns, progress and (lambda now_ns, _: progress(now_ns, until_ns)))
        ends = time_ns in (0, until_ns)
        snapshots.append(take_snapshot(world, whole=ends or number % WHOLE_EVERY == 0, log=ends, facts=number == 0))
    return [snapshot.replace(facts=snapshots[0].facts) for snapshot in snapshots]


def what_was_cut(world):
    """A sentence about a trace that ends before its run does, or None."""
    if world.traced_until_ns is None:
        return None
    return f"the trace is of the first {world.traced_until_ns / 1e9:.6g} s: it ends after {EVENTS_MAX:,} events"
