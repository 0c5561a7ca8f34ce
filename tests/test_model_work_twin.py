"""Workqueues against a slow twin, event by event, on random programs; and that no item is lost, none run twice."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from modelprograms import program
from softirqtwin import FIRST_IRQ, GRID
from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.irq.builddevices import add_device
from tophalf.model.table import event_table
from tophalf.model.work import workfields as g
from tophalf.model.work import workops
from tophalf.model.work.buildwork import add_work, add_workqueue
from workprograms import nothing_is_lost
from worktwin import WorkTwin

pytestmark = pytest.mark.kernels
KINDS = vocab.EVENT_NAMES
WORK_EVENTS = (
    vocab.WORKQUEUE_QUEUE_WORK, vocab.WORKQUEUE_ACTIVATE_WORK, vocab.WORKQUEUE_EXECUTE_START, vocab.WORKQUEUE_EXECUTE_END,
)  # fmt: skip


def ns(most, least=0):
    return st.integers(least // GRID, most // GRID).map(lambda count: count * GRID)


@st.composite
def queues(draw, kernel):
    """A workqueue's flags and max_active."""
    flags = draw(st.sampled_from((0, 0, 0, g.WQ_HIGHPRI, g.WQ_CPU_INTENSIVE, g.WQ_UNBOUND, g.WQ_UNBOUND, g.WQ_BH)))
    if flags == g.WQ_BH:
        flags = 0 if kernel == "6.1" else draw(st.sampled_from((g.WQ_BH, g.WQ_BH | g.WQ_HIGHPRI)))
    if flags & g.WQ_BH:
        return {"flags": flags, "max_active": g.INT_MAX}
    flags |= draw(st.sampled_from((0, 0, g.WQ_FREEZABLE))) | draw(st.sampled_from((0, 0, g.WQ_MEM_RECLAIM)))
    return {"flags": flags, "max_active": draw(st.sampled_from((1, 2, 3, 256)))}


def at_once(items, most=3):
    """Steps that never wait."""
    item = st.integers(0, items - 1)
    queue = st.tuples(st.just("queue"), item)
    delayed = st.tuples(st.sampled_from(("delayed", "mod")), item, st.integers(0, 3))
    return st.lists(queue | queue | delayed | st.tuples(st.just("cancel"), item), max_size=most)


def waiting(items, queues_):
    """Steps that only tasks and items that are not BH may do."""
    item, queue = st.integers(0, items - 1), st.integers(0, queues_ - 1)
    return st.tuples(st.sampled_from(("flush", "flush", "flush", "cancel_sync")), item) | st.tuples(st.just("flush_queue"), queue)


@st.composite
def steps(draw, items, number, bh, count, queues_):
    """What an item or a task does; its sleeps have a residue of their own."""
    found = [("run", draw(ns(500_000, 100_000)))]  # one that queues itself must let time pass
    for _ in range(draw(st.integers(1, 3))):
        what = draw(st.sampled_from(("run", "run", "sleep", "at_once", "waits") if number < 16 else ("at_once", "waits", "waits")))
        if what == "run" or bh and what != "at_once":
            found.append(("run", draw(ns(3_000_000 if not bh else 200_000, GRID))))
        elif what == "sleep":
            found.append(("sleep", draw(ns(9_000_000, 1000)) + number))
        elif what == "at_once":
            found += draw(at_once(items, 2))
        elif number >= 16:  # tasks wait; items that wait for one another would wait for ever
            found.append(draw(waiting(count, queues_)))
    return found


@st.composite
def tasks(draw, number, items, queues_):
    body = draw(steps(items, 16 + number, False, items, queues_))
    balanced = draw(st.sampled_from(((), (("disable", 0), ("sleep", 3_000_000 + 20 + number), ("enable", 0)),
                                     (("freeze",), ("sleep", 5_000_000 + 20 + number), ("thaw",)), (("drain", 0),))))  # fmt: skip
    begins = ("sleep", draw(ns(20_000_000, 1000)) + 24 + number)
    return {"nice": draw(st.sampled_from((0, 5))), "steps": [begins, *body, *balanced]}


@st.composite
def scenarios(draw):
    kernel = draw(st.sampled_from(("6.1", "6.12", "6.12")))
    found = draw(st.lists(queues(kernel), min_size=1, max_size=3))
    count = draw(st.integers(1, 5))
    numbers = iter(range(28, GRID))
    items = []
    for number in range(count):
        queue = draw(st.integers(0, len(found) - 1))
        bh = found[queue]["flags"] & g.WQ_BH
        items.append({"queue": queue, "steps": draw(steps(count, 1 + number, bh, count, len(found)))})
    lines = [
        {"times": sorted(GRID * time + next_residue for time in draw(st.sets(st.integers(0, 1_000_000), min_size=1, max_size=8))),
         "spend": draw(ns(2000)), "does": draw(at_once(count, 3).filter(bool))}
        for next_residue in (next(numbers) for _ in range(draw(st.integers(1, 3))))
    ]  # fmt: skip
    costs = {name: draw(ns(2000)) for name in ("irq_exit", "context_switch", "timer_tick", "softirq_entry")}
    return {
        "hz": draw(st.sampled_from((100, 250, 1000))), "kernel": kernel,
        "preempt": draw(st.sampled_from(("none", "voluntary", "full"))),
        "costs": costs | {"irq_entry": draw(ns(2000, GRID)), "cache_cold": 0, "syscall": 0}, "threadirqs": False, "actions": {},
        "queues": found, "items": items, "lines": lines, "creation_ns": draw(st.sampled_from((0, 0, 30_000_000 + 13))),
        "tasks": [draw(tasks(number, count, len(found))) for number in range(draw(st.integers(0, 3)))], "until_ns": 60_000_000,
    }  # fmt: skip


# The same for the model


def work_model_of(scenario):
    """(Builder, items)."""
    builder = Builder(1, **{key: scenario[key] for key in ("hz", "kernel", "preempt", "costs")})
    builder.about["worker_creation_ns"] = scenario["creation_ns"]
    wqs = [
        add_workqueue(builder, f"q{number}", what["flags"], 0 if what["flags"] & g.WQ_BH else what["max_active"])
        for number, what in enumerate(scenario["queues"])
    ]
    items = [add_work(builder, f"i{number}", 0) for number in range(len(scenario["items"]))]
    queue_of = [wqs[what["queue"]] for what in scenario["items"]]

    def body(steps_):
        return [one for step in steps_ for one in _instructions(items, queue_of, wqs, *step)]

    for item, what in zip(items, scenario["items"], strict=True):
        builder.memory[item + g.X_PROGRAM] = program(builder, *body(what["steps"]), (ops.OP_RET,))
    for what in scenario["tasks"]:
        life = program(builder, *body(what["steps"]), (ops.OP_EXIT,))
        builder.task("task", 0, life, priority=what["nice"], kernel_thread=True)
    for number, what in enumerate(scenario["lines"]):
        desc = builder.irq(FIRST_IRQ + number)
        add_device(builder, f"dev{number}", desc, False, ("times", what["times"]))
        handler = program(builder, (ops.OP_SPEND_NS, what["spend"]), *body(what["does"]), (ops.OP_RET, f.IRQ_HANDLED))
        builder.action(desc, f"dev{number}", handler, flags=f.IRQF_NO_THREAD)
    return builder, items


def _instructions(items, queue_of, wqs, what, which=0, jiffies=0):
    if what == "flush_queue":
        return [(workops.OP_FLUSH_WORKQUEUE, wqs[which])]
    if what == "drain":
        return [(op, wqs[which]) for op in (workops.OP_DRAIN_BEGIN, workops.OP_FLUSH_WORKQUEUE, workops.OP_DRAIN_CHECK)]
    if what in ("run", "sleep"):
        return [(ops.OP_SPEND_NS if what == "run" else ops.OP_SLEEP, which)]
    if what in ("freeze", "thaw"):
        return [(workops.OP_SUSPEND, workops.FREEZE_BEGIN if what == "freeze" else workops.THAW)]
    item, wq = items[which], queue_of[which]
    return [{
        "queue": (workops.OP_QUEUE_WORK, item, wq), "cancel": (workops.OP_CANCEL_WORK, item, workops.DELAYED),
        "delayed": (workops.OP_QUEUE_DELAYED_WORK, item, wq, jiffies * workops.DELAY_UNIT),
        "mod": (workops.OP_MOD_DELAYED_WORK, item, wq, jiffies * workops.DELAY_UNIT),
        "cancel_sync": (workops.OP_CANCEL_WORK_SYNC, item, workops.DELAYED), "flush": (workops.OP_FLUSH_WORK, item),
        "disable": (workops.OP_CANCEL_WORK, item, workops.DELAYED | workops.DISABLE), "enable": (workops.OP_ENABLE_WORK, item),
    }[what]]  # fmt: skip


def told(builder, items, table):
    """The model's events as the twin tells them."""
    m = builder.memory
    names = {m[item + g.X_ADDRESS]: number for number, item in enumerate(items)}
    blocks = {pid: m[task + f.K_WORKER] for pid, task in builder.tasks.items() if m[task + f.K_WORKER]}
    names |= {m[block + g.R_BARRIER + g.X_ADDRESS]: ("barrier", pid) for pid, block in blocks.items()}
    columns = (table.time_ns, table.kind, table.pid, table.flags, table.preempt, table.a, table.b, table.c)
    for time, kind, pid, flags, preempt, a, b, c in zip(*(column.tolist() for column in columns), strict=True):
        if kind in WORK_EVENTS:
            a, b = names[a], 0
        yield time, KINDS[kind], pid, flags, preempt, a, b, c


def compare(scenario):
    """Whether the twin says who is first (two things at one moment it leaves open); asserts that the model is the same."""
    builder, items = work_model_of(scenario)
    world = builder.world(trace_rows=5000)
    strings = builder.memory.strings
    twin = WorkTwin(scenario, {strings[builder.memory[task + f.K_NAME]]: pid for pid, task in builder.tasks.items()})
    expected = [(time, KINDS[kind], *rest) for time, kind, *rest in twin.run()]
    if twin.undecided:
        return False
    world.run(scenario["until_ns"])
    found = list(told(builder, items, event_table(world)))
    for at, (mine, other) in enumerate(zip(found, expected, strict=False)):
        assert mine == other, f"event {at}, after {expected[max(0, at - 8) : at]}"
    assert len(found) == len(expected)
    times = builder.cpus[0] + f.C_TIMES
    assert [int(world.memory[times + part]) for part in range(f.CLASSES)] == twin.times
    nothing_is_lost(world)
    for item, other in zip(items, twin.items, strict=True):
        counted = [int(world.memory[item + field]) for field in (g.X_QUEUED, g.X_RUNS, g.X_CANCELLED)]
        assert counted == [other.queued, other.runs, other.cancelled]
    return True


@settings(max_examples=40)
@given(scenarios())
def test_each_event_is_the_twins(scenario):
    assume(compare(scenario))
