"""Laws of work items: a worker runs one at a time, an item runs on one worker, and for each start it was queued once.

Workers are tasks; BH workers (since 6.9) run in the softirqs TASKLET and HI, one on each CPU. Barriers of flush_work() are
run as items, but never queued with an event. A function may free its own item, whose memory may then carry another item of
the same function while the first still runs: so an item that was queued again while it ran is not judged for overlap.
"""

import numpy as np

from tophalf import vocab
from tophalf.compiled import kernels
from tophalf.judge.laws import pairs, work_kernels
from tophalf.judge.laws.exclusion import overlaps, restarts
from tophalf.judge.laws.law import Law, verdict
from tophalf.judge.laws.pair_kernels import CLOSE, NOTHING_OPEN, OPEN
from tophalf.judge.laws.softirq import vector_name
from tophalf.judge.laws.verdicts import pair_verdict, seconds
from tophalf.judge.laws.work_kernels import END as _END
from tophalf.judge.laws.work_kernels import IN as _IN
from tophalf.judge.laws.work_kernels import OUT as _OUT
from tophalf.judge.laws.work_kernels import QUEUE as _QUEUE
from tophalf.judge.laws.work_kernels import START as _START
from tophalf.vocab import (
    SCHED_SWITCH,
    WORKQUEUE_ACTIVATE_WORK,
    WORKQUEUE_EXECUTE_END,
    WORKQUEUE_EXECUTE_START,
    WORKQUEUE_QUEUE_WORK,
)

_RUN = "kernel/workqueue.c process_one_work()"

PAIR = Law(
    name="work-pair",
    statement="A worker runs one work item at a time, and the same worker ends what it started",
    source=_RUN,
)
ONE_WORKER = Law(
    name="work-one-worker",
    statement="A work item that was not queued again while it runs is started by no second worker",
    source="kernel/workqueue.c find_worker_executing_work()",
)
QUEUED = Law(
    name="work-queued",
    statement="A work item starts at most once for each time it was queued",
    source="kernel/workqueue.c __queue_work()",
)
ACTIVATED = Law(
    name="work-activated",
    statement="A work item starts at most once for each time it was activated (came below max_active)",
    source="kernel/workqueue.c __pwq_activate_work()",
)
CONTEXT = Law(
    name="work-context",
    statement="A work item starts in a task, or, a BH work item, in the softirqs TASKLET and HI; never in a hardirq",
    source="kernel/workqueue.c worker_thread(), workqueue_softirq_action()",
)

LAWS = (PAIR, ONE_WORKER, QUEUED, ACTIVATED, CONTEXT)
_BH = 1 << 40  # added to the CPU of a BH worker, so that it is the number of no task
_SLEEP_STATES = 0xFF  # include/linux/sched.h: 0 runs, above is TASK_REPORT_MAX, "preempted"
_START_END = (WORKQUEUE_EXECUTE_START, WORKQUEUE_EXECUTE_END)


def judge(ground, softirqs):
    """Verdicts of LAWS. softirqs: Pairs of the softirq vectors."""
    worker = _workers(ground)
    judged = ground.window(*_START_END) & ~ground.dark & _judged_workers(ground, worker)
    return [
        _judge_pairs(ground, judged, worker),
        _judge_one_worker(ground, judged, worker),
        _judge_credit(QUEUED, ground, WORKQUEUE_QUEUE_WORK, worker),
        _judge_credit(ACTIVATED, ground, WORKQUEUE_ACTIVATE_WORK, worker),
        _judge_context(ground, softirqs),
    ]


def _workers(ground):
    """int64[row]: the worker that an event of a work item belongs to."""
    pid = ground.table.pid.astype(np.int64)
    by_cpu = ground.cpu + _BH if ground.preempt_rt is False else pid + _BH
    return np.where(ground.in_softirq, by_cpu, pid)


def _judged_workers(ground, worker):
    """Mask: none without flags, as a BH work item cannot be told from the item it interrupts; without a common clock only
    workers that were seen on one CPU, as events of two CPUs have no order."""
    if not ground.has_flags:
        return np.zeros(ground.row_count, bool)
    if ground.common_clock:
        return np.ones(ground.row_count, bool)
    rows = np.flatnonzero(ground.is_kind(*_START_END))
    return np.isin(worker, list(_on_one_cpu(ground, worker, rows)))


def _on_one_cpu(ground, value, rows):
    """Values that occur on one CPU only."""
    seen = np.unique(np.stack([value[rows], ground.cpu[rows]]), axis=1)[0]
    values, counts = np.unique(seen, return_counts=True)
    return set(values[counts == 1].tolist())


def _judge_pairs(ground, judged, worker):
    rows = np.flatnonzero(judged & ground.is_kind(*_START_END))
    kind = ground.kind[rows]
    role = np.where(kind == WORKQUEUE_EXECUTE_START, OPEN, CLOSE)
    _, slots = np.unique(worker[rows], return_inverse=True)
    ones = np.ones(len(rows), np.int64)
    found = pairs.match(rows, role, slots, ground.table.a[rows], ones, 0 * ones, restarts(ground, rows))
    found = pairs.spread(ground, rows, found)
    return pair_verdict(PAIR, ground, found, found.judged == 1, found.code != 0, _words)


def _words(table, row):
    return f"work {int(table.a[row]) & (1 << 64) - 1:#x} ({table.function(int(table.b[row]))}) by pid {int(table.pid[row])}"


def _judge_one_worker(ground, judged, worker):
    table = ground.table
    _, slot = np.unique(worker, return_inverse=True)
    # A barrier lies on a stack: its waiter, woken by it, may have another at the same place run before the first has returned.
    queued = np.isin(table.a, np.unique(table.a[ground.is_kind(WORKQUEUE_QUEUE_WORK)]))
    rows, others, applied = overlaps(ground, judged & queued, *_START_END, slot, renews=WORKQUEUE_QUEUE_WORK)

    def describe(at):
        other = int(others[at])
        return f"{_words(table, rows[at])} started while pid {int(table.pid[other])} ran it, since {seconds(table, other)}"

    return verdict(ONE_WORKER, table, applied, rows, describe)


def _judge_credit(law, ground, queues, worker):
    """law: QUEUED or ACTIVATED; queues: the kind of event that gives the credit."""
    table = ground.table
    rows = _credit_rows(ground, queues, worker)
    if not len(rows):
        return verdict(law, table, 0)
    step_rows, code, judged = _balance(ground, rows, queues, worker)
    wrong = step_rows[np.flatnonzero(code)]

    def describe(at):
        verb = "queued" if law is QUEUED else "activated"
        return f"{_words(table, wrong[at])} started a second time, {verb} once"

    return verdict(law, table, np.count_nonzero(judged), wrong, describe)


def _credit_rows(ground, queues, worker):
    """Rows that say something of the credit of an item: of items and workers that can be judged, and workers' sleep."""
    alive = ground.window(queues, *_START_END) & ~ground.dark
    items = ground.is_kind(queues, *_START_END)
    if not ground.common_clock:
        rows = np.flatnonzero(items)
        items &= np.isin(ground.table.a, list(_on_one_cpu(ground, ground.table.a, rows)))
    items &= _judged_workers(ground, worker) | (ground.has_flags & (ground.kind == queues))
    tasks = np.unique(ground.table.pid[items & (ground.kind != queues) & ~ground.in_softirq])
    switches = ground.is_kind(SCHED_SWITCH) & (np.isin(ground.table.pid, tasks) | np.isin(ground.table.a, tasks))
    return np.flatnonzero(alive & (items | (switches & ground.common_clock)))


def _balance(ground, rows, queues, worker):
    """work_kernels.Found by step, and the row of each step."""
    step_rows, columns = _credit_steps(ground, rows, queues, worker)
    module, is_compiled = kernels(work_kernels.__name__, len(step_rows))
    steps = [np.asarray(column, np.int64) for column in columns]
    items = [np.full(int(steps[1].max()) + 1, -1) for _ in work_kernels.Items._fields]
    workers = [np.full(int(steps[2].max()) + 1, -1) for _ in work_kernels.Workers._fields]
    found = [np.zeros(len(step_rows), np.int64) for _ in work_kernels.Found._fields]
    if not is_compiled:
        steps, items, workers, found = ([array.tolist() for array in arrays] for arrays in (steps, items, workers, found))
    found = module.Found(*found)
    module.balance(module.Steps(*steps), module.Items(*items), module.Workers(*workers), found)
    return step_rows, np.asarray(found.code), np.asarray(found.judged)


def _credit_steps(ground, rows, queues, worker):
    """Rows as steps, a switch as two: one for the task it leaves, one for the task it goes to.

    Returns (row of each step, columns of work_kernels.Steps).
    """
    table = ground.table
    kind = ground.kind[rows]
    switch = kind == SCHED_SWITCH
    order = np.argsort(np.concatenate([rows, rows[switch]]), kind="stable")
    role = np.select([kind == queues, kind == WORKQUEUE_EXECUTE_START, switch], [_QUEUE, _START, _OUT], _END)
    role = np.concatenate([role, np.full(np.count_nonzero(switch), _IN)])[order]
    who = np.concatenate([worker[rows], table.a[rows][switch]])[order]
    step_rows = np.concatenate([rows, rows[switch]])[order]
    restart = np.concatenate([restarts(ground, rows), np.zeros(np.count_nonzero(switch), bool)])[order]
    _, workers = np.unique(who, return_inverse=True)
    sleeps = (table.b[step_rows] & _SLEEP_STATES) != 0
    return step_rows, (role, _items(table, step_rows), workers, table.time_ns[step_rows], sleeps, restart)


def _items(table, rows):
    """Items as numbers without gaps. By function too: a barrier on a stack may stand where an item with another stood."""
    _, address = np.unique(table.a[rows], return_inverse=True)
    functions, function = np.unique(table.b[rows], return_inverse=True)
    return np.unique(address * len(functions) + function, return_inverse=True)[1]


def _judge_context(ground, softirqs):
    table, starts = ground.table, ground.is_kind(WORKQUEUE_EXECUTE_START)
    judged = starts & ground.has_flags & ~(ground.in_softirq & (softirqs.inner < NOTHING_OPEN))
    in_other = ground.in_softirq & ~np.isin(softirqs.inner, (vocab.TASKLET, vocab.HI))
    rows = np.flatnonzero(judged & (ground.in_hardirq | in_other))

    def describe(at):
        serving = int(softirqs.inner[rows[at]])
        place = "a hardirq" if ground.in_hardirq[rows[at]] else f"softirq {vector_name(serving)}"
        return f"{_words(table, rows[at])} started in {place}"

    return verdict(CONTEXT, table, np.count_nonzero(judged), rows, describe)
