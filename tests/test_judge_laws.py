"""The trace laws on real traces: all hold, each is exercised, and one changed event is refused with its time and CPU."""

import glob
import os
from functools import cache

import numpy as np
import pytest

from tophalf import vocab
from tophalf.host.door import open_machine
from tophalf.host.trace.traces import load_events
from tophalf.judge import laws

pytestmark = pytest.mark.kernels

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")
PATTERNS = ("traces/*.dat", "hosts/*.dat", "hosts/*.trace.txt.xz")
REAL = sorted(os.path.relpath(path, HERE) for pattern in PATTERNS for path in glob.glob(f"{HERE}/{pattern}"))

# Which recording shows that a law applies. A law without one has to get a recording, made in the lab.
EXERCISED_BY = {
    "irq-pair": "traces/shared-6.12.dat",
    "irq-not-nested": "traces/shared-6.12.dat",
    "irq-irqs-off": "traces/nvme-6.12.dat",
    "irq-context": "traces/tasklets-rt.dat",
    "irq-return": "traces/irq-thread-6.12.dat",
    "vector-pair": "traces/tasklets-6.12.dat",
    "vector-context": "traces/tasklets-6.12.dat",
    "softirq-pair": "hosts/slow.trace.dat",
    "softirq-not-nested": "traces/tasklets-rt.dat",
    "softirq-not-in-hardirq": "traces/passes-6.1.dat",
    "softirq-irqs-on": "hosts/balanced.trace.dat",
    "softirq-context": "traces/flood-rt.dat",
    "softirq-preempt-count": "traces/flood-6.12.dat",
    "softirq-raise-irqs-off": "traces/flood-6.12.dat",
    "softirq-raise": "hosts/netrx-flood.trace.dat",
    "softirq-order": "traces/passes-6.12.dat",
    "softirq-pass-complete": "traces/tasklets-6.12.dat",
    "softirq-pass-limit": "traces/passes-6.12.dat",
    "softirq-no-restart": "traces/passes-6.1.dat",
    "tasklet-pair": "traces/tasklets-6.12.dat",
    "tasklet-in-softirq": "traces/tasklets-6.1.dat",
    "tasklet-once": "traces/passes-6.12.dat",
    "tasklet-one-cpu": "traces/tasklets-6.12.dat",
    "napi-budget": "traces/busy-poll-6.12.dat",
    "napi-context": "traces/napi-threaded-6.12.dat",
    "work-pair": "traces/works-6.12.dat",
    "work-one-worker": "traces/works-6.12.dat",
    "work-queued": "traces/works-6.12.dat",
    "work-activated": "traces/works-6.12.dat",
    "work-context": "traces/works-6.12.dat",
    "percpu-thread": "traces/passes-6.12.dat",
    "switch-context": "traces/irq-thread-6.12.dat",
}


@cache
def events(name):
    return load_events(open_machine(os.path.join(HERE, name)))


def verdicts(table, **options):
    return {verdict.law.name: verdict for verdict in laws.judge(table, **options)}


def broken(table, **options):
    return {name: verdict.violations for name, verdict in verdicts(table, **options).items() if not verdict.holds}


@pytest.mark.parametrize("name", REAL)
def test_a_real_trace_breaks_no_law(name):
    assert broken(events(name)) == {}


@pytest.mark.parametrize("law", [law.name for law in laws.LAWS])
def test_a_real_trace_exercises_each_law(law):
    assert law in EXERCISED_BY, f"no recording exercises {law}: make one in the lab"
    assert verdicts(events(EXERCISED_BY[law]))[law].applied > 0


def test_real_traces_are_there():
    assert len(REAL) >= 25


# One event changed. Each function returns (changed table, row in it where the violation has to be found).


def removed(table, row):
    keep = np.ones(len(table), bool)
    keep[row] = False
    return table.rows(keep)


def altered(table, row, **values):
    columns = {name: getattr(table, name).copy() for name in values}
    for name, value in values.items():
        columns[name][row] = value
    return table.replace(**columns)


def moved(table, row, before):
    """The event of a row moved to the place and the time of an earlier one."""
    order = np.insert(np.delete(np.arange(len(table)), row), before, row)
    return altered(table, row, time_ns=table.time_ns[before]).rows(order)


def middle(table, mask, at=0.5):
    """A row of a mask, away from the ends of the trace."""
    rows = np.flatnonzero(mask)
    return int(rows[int(len(rows) * at)])


def following(table, row, mask):
    """The next row on the same CPU that a mask selects."""
    rows = np.flatnonzero(mask & (table.cpu == table.cpu[row]))
    return int(rows[rows > row][0])


def is_kind(table, *kinds):
    return np.isin(table.kind, kinds)


def flagged(table, *flags):
    mask = np.ones(len(table), bool)
    for flag in flags:
        mask &= (table.flags & flag) != 0
    return mask


def without(table, row, flag):
    return int(table.flags[row]) & ~flag


def exit_of_irq_removed(table):
    """irq-not-nested: the same interrupt is entered again before anything shows that the hardirq was over."""
    entries = np.flatnonzero(is_kind(table, vocab.IRQ_HANDLER_ENTRY))
    for row in entries[len(entries) // 4 :]:
        leave = following(table, row, is_kind(table, vocab.IRQ_HANDLER_EXIT))
        again = following(table, leave, np.ones(len(table), bool))
        if table.kind[again] == vocab.IRQ_HANDLER_ENTRY and table.a[again] == table.a[row]:
            return removed(table, leave), again - 1
    raise AssertionError("no shared line in this trace")


def entry_of_irq_removed(table):
    row = middle(table, is_kind(table, vocab.IRQ_HANDLER_ENTRY))
    leave = following(table, row, is_kind(table, vocab.IRQ_HANDLER_EXIT))
    return removed(table, row), leave - 1


def irqs_on_in_handler(table):
    row = middle(table, is_kind(table, vocab.IRQ_HANDLER_ENTRY))
    return altered(table, row, flags=without(table, row, vocab.FLAG_IRQS_OFF)), row


def handler_in_task(table):
    row = middle(table, is_kind(table, vocab.IRQ_HANDLER_ENTRY) & ~flagged(table, vocab.FLAG_SOFTIRQ))
    return altered(table, row, flags=without(table, row, vocab.FLAG_HARDIRQ)), row


def odd_return(table):
    row = middle(table, is_kind(table, vocab.IRQ_HANDLER_EXIT))
    return altered(table, row, b=4), row


def other_vector_left(table):
    row = middle(table, is_kind(table, vocab.VECTOR_EXIT))
    return altered(table, row, a=table.a[row] + 1), row


def vector_outside_hardirq(table):
    row = middle(table, is_kind(table, vocab.VECTOR_ENTRY))
    return altered(table, row, flags=without(table, row, vocab.FLAG_HARDIRQ)), row


def other_softirq_left(table):
    row = middle(table, is_kind(table, vocab.SOFTIRQ_EXIT))
    return altered(table, row, a=(table.a[row] + 1) % 10), row


def exit_of_softirq_removed(table):
    """The next entry follows within the same softirq context."""
    entries = is_kind(table, vocab.SOFTIRQ_ENTRY)
    for row in np.flatnonzero(is_kind(table, vocab.SOFTIRQ_EXIT)):
        after = following(table, row, np.ones(len(table), bool))
        if entries[after] and row > 200 and table.pid[after] == table.pid[row]:
            return removed(table, row), after - 1
    raise AssertionError("no pass of two vectors")


def softirq_in_hardirq(table):
    row = middle(table, is_kind(table, vocab.SOFTIRQ_ENTRY))
    return altered(table, row, flags=table.flags[row] | vocab.FLAG_HARDIRQ), row


def softirq_with_irqs_off(table):
    row = middle(table, is_kind(table, vocab.SOFTIRQ_ENTRY))
    return altered(table, row, flags=table.flags[row] | vocab.FLAG_IRQS_OFF), row


def softirq_outside_softirq(table):
    row = middle(table, is_kind(table, vocab.SOFTIRQ_EXIT))
    return altered(table, row, flags=without(table, row, vocab.FLAG_SOFTIRQ)), row


def preempt_count_leaked(table):
    row = middle(table, is_kind(table, vocab.SOFTIRQ_EXIT))
    return altered(table, row, preempt=table.preempt[row] + 1), row


def raise_with_irqs_on(table):
    row = middle(table, is_kind(table, vocab.SOFTIRQ_RAISE))
    return altered(table, row, flags=without(table, row, vocab.FLAG_IRQS_OFF)), row


def raise_removed(table):
    """The only raise between two entries of a vector on a CPU, both clear of each other's passes."""
    softirqs = is_kind(table, vocab.SOFTIRQ_RAISE, vocab.SOFTIRQ_ENTRY, vocab.SOFTIRQ_EXIT)
    for row in np.flatnonzero(is_kind(table, vocab.SOFTIRQ_RAISE) & ~flagged(table, vocab.FLAG_SOFTIRQ))[len(table) // 40 :]:
        same = np.flatnonzero(softirqs & (table.cpu == table.cpu[row]) & (table.a == table.a[row]))
        at = int(np.searchsorted(same, row))
        kinds = table.kind[same[at - 1 : at + 2]].tolist()
        if at < 2 or kinds != [vocab.SOFTIRQ_EXIT, vocab.SOFTIRQ_RAISE, vocab.SOFTIRQ_ENTRY]:
            continue
        here = np.flatnonzero(table.cpu == table.cpu[row])
        between = here[(here > same[at - 1]) & (here < same[at + 1]) & (here != row)]
        if (~flagged(table, vocab.FLAG_SOFTIRQ))[between].any():
            return removed(table, row), int(same[at + 1]) - 1
    raise AssertionError("no raise stands alone")


def pass_turned_round(table):
    """A vector that ran second in its pass becomes one lower than the first, which nobody raised."""
    exits = is_kind(table, vocab.SOFTIRQ_EXIT)
    for row in np.flatnonzero(is_kind(table, vocab.SOFTIRQ_ENTRY))[20:]:
        before = np.flatnonzero((table.cpu == table.cpu[row])[:row])[-1]
        if exits[before] and table.a[before] == vocab.HI:
            continue
        if exits[before] and table.a[row] > table.a[before]:
            return altered(table, row, a=table.a[before]), int(row)
    raise AssertionError("no pass of two vectors")


def raise_added(table):
    """A vector becomes pending outside softirq context, and the pass that follows does not run it."""
    row = middle(table, is_kind(table, vocab.SOFTIRQ_RAISE) & ~flagged(table, vocab.FLAG_SOFTIRQ) & (table.a == vocab.SCHED))
    changed = altered(table, row, a=vocab.IRQ_POLL)
    return changed, None


def eleventh_pass(table):
    """Ten passes, one of two vectors: the second of them becomes the first again, and so a pass of its own."""
    for row in np.flatnonzero(is_kind(table, vocab.SOFTIRQ_ENTRY))[10:]:
        before = int(np.flatnonzero((table.cpu == table.cpu[row])[:row])[-1])
        if table.kind[before] == vocab.SOFTIRQ_EXIT and table.a[row] > table.a[before]:
            changed = altered(table, row, a=table.a[before])
            if "softirq-pass-limit" in broken(changed):
                return changed, None
    raise AssertionError("no ten passes with two vectors in one")


def restart_though_resched(table):
    """The exit between two passes of one invocation gets the flag need_resched."""
    for row in np.flatnonzero(is_kind(table, vocab.SOFTIRQ_EXIT) & ~flagged(table, vocab.FLAG_NEED_RESCHED))[100:]:
        after = following(table, row, np.ones(len(table), bool))
        if table.kind[after] != vocab.SOFTIRQ_ENTRY or table.a[after] > table.a[row]:
            continue
        changed = altered(table, row, flags=table.flags[row] | vocab.FLAG_NEED_RESCHED)
        if "softirq-no-restart" in broken(changed):
            return changed, after
    raise AssertionError("no second pass while ksoftirqd sleeps")


def other_tasklet_left(table):
    row = middle(table, is_kind(table, vocab.TASKLET_EXIT))
    return altered(table, row, a=table.a[row] + 64), row


def tasklet_in_other_softirq(table):
    """The softirq that runs a tasklet becomes another vector."""
    row = middle(table, is_kind(table, vocab.TASKLET_ENTRY))
    entries = np.flatnonzero(is_kind(table, vocab.SOFTIRQ_ENTRY) & (table.cpu == table.cpu[row]))
    entry = int(entries[entries < row][-1])
    return altered(table, entry, a=vocab.SCHED), row


def tasklet_twice(table):
    """A tasklet that ran again in the next pass: its second entry moves into the first pass."""
    pattern = [vocab.TASKLET_EXIT, vocab.SOFTIRQ_EXIT, vocab.SOFTIRQ_ENTRY, vocab.TASKLET_ENTRY]
    for cpu in table.cpus:
        here = np.flatnonzero(table.cpu == cpu)
        for at in range(100, len(here) - 4):
            rows = here[at : at + 4]
            if table.kind[rows].tolist() == pattern and table.a[rows[0]] == table.a[rows[3]]:
                return moved(table, int(rows[3]), int(rows[1])), int(rows[1])
    raise AssertionError("no tasklet ran in two passes")


def tasklet_on_two_cpus(table):
    """A tasklet ran on one CPU, then on another: the end of the first run moves behind the second's beginning."""
    entries = np.flatnonzero(is_kind(table, vocab.TASKLET_ENTRY))
    for one, other in zip(entries, entries[1:], strict=False):
        if table.a[one] == table.a[other] and table.cpu[one] != table.cpu[other]:
            return moved(table, int(other), int(one) + 1), int(one) + 1
    raise AssertionError("no tasklet changed its CPU")


def work_above_budget(table):
    row = middle(table, is_kind(table, vocab.NAPI_POLL))
    return altered(table, row, b=table.c[row] + 1), row


def poll_with_bh_on(table):
    row = middle(table, is_kind(table, vocab.NAPI_POLL) & flagged(table, vocab.FLAG_BH_OFF) & ~flagged(table, vocab.FLAG_SOFTIRQ))
    return altered(table, row, flags=without(table, row, vocab.FLAG_BH_OFF)), row


def other_work_ended(table):
    row = middle(table, is_kind(table, vocab.WORKQUEUE_EXECUTE_END))
    return altered(table, row, a=table.a[row] + 64), row


def work_on_two_workers(table):
    """An item ran on one worker, was queued, and ran on another: the second start moves into the first run."""
    starts = np.flatnonzero(is_kind(table, vocab.WORKQUEUE_EXECUTE_START))
    for row in starts[3:]:
        earlier = [start for start in starts if start < row and table.a[start] == table.a[row]]
        if earlier and table.pid[earlier[-1]] != table.pid[row]:
            return moved(table, int(row), int(earlier[-1]) + 1), int(earlier[-1]) + 1
    raise AssertionError("no item changed its worker")


def queueing_removed(table, kind=vocab.WORKQUEUE_QUEUE_WORK, law="work-queued"):
    for row in np.flatnonzero(is_kind(table, kind)):
        start = np.flatnonzero(is_kind(table, vocab.WORKQUEUE_EXECUTE_START) & (table.a == table.a[row]))
        start = start[start > row]
        if len(start) and law in broken(removed(table, row)):
            return removed(table, row), int(start[0]) - 1
    raise AssertionError("no item ran twice")


def activation_removed(table):
    return queueing_removed(table, vocab.WORKQUEUE_ACTIVATE_WORK, "work-activated")


def work_in_hardirq(table):
    row = middle(table, is_kind(table, vocab.WORKQUEUE_EXECUTE_START))
    return altered(table, row, flags=table.flags[row] | vocab.FLAG_HARDIRQ), row


def ksoftirqd_elsewhere(table):
    names = [pid for pid, comm in table.tasks.items() if comm.startswith("ksoftirqd/")]
    row = middle(table, np.isin(table.pid, names))
    return altered(table, row, cpu=(table.cpu[row] + 1) % 4), row


def switch_in_hardirq(table):
    row = middle(table, is_kind(table, vocab.SCHED_SWITCH))
    return altered(table, row, flags=table.flags[row] | vocab.FLAG_HARDIRQ), row


CHANGES = {
    "irq-pair": entry_of_irq_removed,
    "irq-not-nested": exit_of_irq_removed,
    "irq-irqs-off": irqs_on_in_handler,
    "irq-context": handler_in_task,
    "irq-return": odd_return,
    "vector-pair": other_vector_left,
    "vector-context": vector_outside_hardirq,
    "softirq-pair": other_softirq_left,
    "softirq-not-nested": exit_of_softirq_removed,
    "softirq-not-in-hardirq": softirq_in_hardirq,
    "softirq-irqs-on": softirq_with_irqs_off,
    "softirq-context": softirq_outside_softirq,
    "softirq-preempt-count": preempt_count_leaked,
    "softirq-raise-irqs-off": raise_with_irqs_on,
    "softirq-raise": raise_removed,
    "softirq-order": pass_turned_round,
    "softirq-pass-complete": raise_added,
    "softirq-pass-limit": eleventh_pass,
    "softirq-no-restart": restart_though_resched,
    "tasklet-pair": other_tasklet_left,
    "tasklet-in-softirq": tasklet_in_other_softirq,
    "tasklet-once": tasklet_twice,
    "tasklet-one-cpu": tasklet_on_two_cpus,
    "napi-budget": work_above_budget,
    "napi-context": poll_with_bh_on,
    "work-pair": other_work_ended,
    "work-one-worker": work_on_two_workers,
    "work-queued": queueing_removed,
    "work-activated": activation_removed,
    "work-context": work_in_hardirq,
    "percpu-thread": ksoftirqd_elsewhere,
    "switch-context": switch_in_hardirq,
}


@pytest.mark.parametrize("law", [law.name for law in laws.LAWS])
def test_one_changed_event_breaks_the_law(law):
    changed, row = CHANGES[law](events(EXERCISED_BY[law]))
    violations = broken(changed).get(law)
    assert violations, f"{law} accepts the changed trace"
    if row is not None:
        assert row in [violation.row for violation in violations]
    for violation in violations:
        assert violation.time_ns == changed.time_ns[violation.row]
        assert violation.cpu == changed.cpu[violation.row]
        assert violation.what


def test_a_barrier_that_nobody_queued_with_an_event_may_overlap():
    """The next barrier of a waiter stands where the last one stood, whose worker has woken it and has not returned yet."""
    changed, row = work_on_two_workers(events(EXERCISED_BY["work-one-worker"]))
    unqueued = changed.rows(~(is_kind(changed, vocab.WORKQUEUE_QUEUE_WORK) & (changed.a == changed.a[row])))
    assert "work-one-worker" in broken(changed) and "work-one-worker" not in broken(unqueued)
