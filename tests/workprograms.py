"""Work items for tests of the model: functions of steps, sources, and what a trace says of each item."""

from modelprograms import program
from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.table import event_table
from tophalf.model.work import workfields as g
from tophalf.model.work import workops
from tophalf.model.work.buildwork import add_source, add_work, add_workqueue

MS = 1_000_000


def item(builder, name, *steps):
    """A work item whose function does `steps`: instructions, or numbers: ms that it runs (positive) or sleeps (negative)."""
    body = [step if isinstance(step, tuple) else run(step) for step in steps]
    return add_work(builder, name, program(builder, *body, (ops.OP_RET,)))


def run(ms):
    return (ops.OP_SPEND_NS, round(ms * MS)) if ms > 0 else (ops.OP_SLEEP, round(-ms * MS))


def queued_at(builder, wq, work, *times_ms, **how):
    """Queue an item from a hardirq at these times."""
    times = [round(time * MS) for time in times_ms]
    return add_source(builder, f"{work} {len(builder.workqueues.sources)}", [work], wq, ("times", times), **how)


def simulated(builder, until_ms, trace_rows=20_000):
    """Run. Returns (world, table)."""
    world = builder.world(trace_rows)
    world.run(round(until_ms * MS))
    return world, event_table(world)


def story(table, kinds="SE"):
    """[(ms, kind, function, comm)]: Q queued, A activated, S started, E ended, of those in `kinds`, in order."""
    letters = {vocab.WORKQUEUE_QUEUE_WORK: "Q", vocab.WORKQUEUE_ACTIVATE_WORK: "A", vocab.WORKQUEUE_EXECUTE_START: "S",
               vocab.WORKQUEUE_EXECUTE_END: "E"}  # fmt: skip
    rows = zip(table.time_ns.tolist(), table.kind.tolist(), table.b.tolist(), table.pid.tolist(), strict=True)
    return [
        (time / MS, letters[kind], table.function(function), table.tasks.get(pid))
        for time, kind, function, pid in rows if letters.get(kind, "-") in kinds
    ]  # fmt: skip


def started(table):
    """[(ms, function)] of items that begin."""
    return [(time, function) for time, _, function, _ in story(table, "S")]


def ended(table):
    """[(ms, function)] of items that are done."""
    return [(time, function) for time, _, function, _ in story(table, "E")]


def counts(world, work):
    """(queued, run, taken back, in a queue now)."""
    m = world.memory
    return tuple(int(m[work + field]) for field in (g.X_QUEUED, g.X_RUNS, g.X_CANCELLED)) + (int(m[work + g.X_PWQ] != 0),)


def nothing_is_lost(world):
    """Assert of each item that it ran as often as it was queued, unless it was taken back or waits."""
    for work in world.builder.workqueues.works:
        queued, runs, cancelled, waits = counts(world, work)
        assert queued == runs + cancelled + waits


def timeline(max_active=0, flags=0):
    """The machine of the kernel's page: w0, w1 and w2, queued at 0. flags: of the workqueue of w1 and w2, if it is another."""
    builder = Builder(1)
    first = add_workqueue(builder, "q0", 0, max_active)
    second = add_workqueue(builder, "q1", flags) if flags else first
    works = [item(builder, "w0", 5, -10, 5), item(builder, "w1", 5, -10), item(builder, "w2", 5, -10)]
    for work, wq in zip(works, (first, second, second), strict=True):
        queued_at(builder, wq, work, 0)
    return builder


def kworkers(world):
    """Names of the workers that there are."""
    m, strings = world.memory, world.builder.memory.strings
    tasks = [task for task in world.builder.tasks.values() if m[task + f.K_WORKER] and m[m[task + f.K_WORKER] + g.R_EXISTS]]
    return [strings[m[task + f.K_NAME]] for task in tasks]


def queue(work, wq, cpu=None):
    """The instruction queue_work, or queue_work_on."""
    return workops.OP_QUEUE_WORK, work, wq, 0 if cpu is None else cpu + 1
