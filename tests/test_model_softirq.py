"""Softirqs: against a slow twin, event by event; the rules of a raise, of passes and of ksoftirqd one by one; the laws."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelprograms import at_times, busy, program, run, times_of
from modelworlds import mixed
from softirqtwin import COSTS, GRID, VECTORS, Twin, model_of
from tophalf import vocab
from tophalf.judge import laws
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.irq.builddevices import add_tasklet
from tophalf.model.table import event_table

pytestmark = pytest.mark.kernels
KINDS = vocab.EVENT_NAMES


def ns(most):
    return st.integers(0, most // GRID).map(lambda count: count * GRID)


def some(most=2):
    return st.lists(st.sampled_from(VECTORS), max_size=most, unique=True)


@st.composite
def scenarios(draw):
    numbers = iter(range(1, GRID))  # a residue for each arrival
    times = st.lists(st.integers(0, 200_000), min_size=1, max_size=8)
    lines = [
        {"times": sorted(GRID * time + next(numbers) for time in draw(times)), "spend": draw(ns(40_000)), "raises": draw(some(3)),
         "wakes": draw(st.none() | st.integers(0, 1))}
        for _ in range(draw(st.integers(1, 3)))
    ]  # fmt: skip
    tasks = [
        {"priority": priority, "before": draw(ns(60_000)), "with_bh_off": draw(ns(60_000)), "raises": draw(some()),
         "raises_after": draw(some(1)), "after": draw(ns(60_000))}
        for priority in (10, 20)
    ]  # fmt: skip
    return {
        "hz": draw(st.sampled_from((100, 250, 1000))), "kernel": draw(st.sampled_from(("6.1", "6.12"))),
        "preempt": draw(st.sampled_from(("none", "voluntary", "full"))), "threadirqs": draw(st.booleans()),
        "costs": {name: draw(ns(2000)) for name in COSTS}, "lines": lines, "tasks": tasks, "until_ns": 8_000_000,
        "actions": {vector: {"spend": 64 * GRID + draw(ns(50_000)), "raises": draw(some())} for vector in VECTORS},
    }  # fmt: skip


def events_of(scenario):
    """What the model traces of a scenario, as the twin tells it."""
    world = model_of(scenario).world(trace_rows=3000)
    world.run(scenario["until_ns"])
    table = event_table(world)
    columns = (table.time_ns, table.kind, table.pid, table.flags, table.preempt, table.a, table.b, table.c)
    return list(zip(*(column.tolist() for column in columns), strict=True)), world, table


def words(event):
    return (event[0], KINDS[event[1]], *event[2:])


@settings(max_examples=150)
@given(scenarios())
def test_each_event_is_the_twins(scenario):
    found, world, table = events_of(scenario)
    twin = Twin(scenario)
    expected = twin.run()
    for at, (mine, twins) in enumerate(zip(found, expected, strict=False)):
        assert words(mine) == words(twins), f"event {at}, after {[words(event) for event in expected[max(0, at - 6) : at]]}"
    assert len(found) == len(expected)
    broken = [verdict.law.name for verdict in laws.judge(table, False) if not verdict.holds]
    assert not broken
    cpu = world.builder.cpus[0]
    assert [int(world.memory[cpu + f.C_TIMES + part]) for part in range(f.CLASSES)] == twin.times
    assert [int(world.memory[cpu + f.C_TICKS + column]) for column in range(f.TICK_COLUMNS)] == twin.ticks


# The rules one by one


def raising(vector, spend_ns, times=(1000,), fifo=True, **machine):
    """A softirq that raises itself again; a FIFO task keeps ksoftirqd from the CPU where `fifo`. Returns (Builder, table)."""
    builder = Builder(1, **machine)
    m = builder.memory
    m[m[f.G_ACTIONS] + vector] = program(builder, (ops.OP_SPEND_NS, spend_ns), (ops.OP_RAISE, vector), (ops.OP_RET,))
    at_times(builder, 24, list(times), (ops.OP_RAISE, vector))
    if fifo:
        busy(builder, policy=f.FIFO, priority=1)
    return builder, run(builder, 30_000_000)[1]


def test_ten_passes_in_all_and_then_ksoftirqd():
    _, table = raising(vocab.BLOCK, 5000)
    assert times_of(table, vocab.SOFTIRQ_ENTRY)[:11] == [*range(1000, 51_000, 5000), 4_000_000]  # the next interrupt: a tick
    assert times_of(table, vocab.SCHED_WAKING) == [51_000]


@pytest.mark.parametrize("hz, passes, woken_ns", [(1000, 3, 2_101_000), (250, 6, 4_201_000), (100, 10, 7_001_000)])
def test_the_two_milliseconds_are_jiffies_rounded_up(hz, passes, woken_ns):
    # Passes of 700 µs, never cut. HZ=1000: two ticks; 250: one, at 4 ms; 100: one, at 10 ms, and ten passes are over before
    _, table = raising(vocab.BLOCK, 700_000, hz=hz)
    (woken,) = times_of(table, vocab.SCHED_WAKING)
    assert len([time_ns for time_ns in times_of(table, vocab.SOFTIRQ_ENTRY) if time_ns < woken]) == passes
    assert woken == woken_ns


def woken_between_passes():
    """In idle, waking any task asks for a switch: here at 12 µs, in the third of passes of 5 µs."""
    builder = Builder(1)
    m = builder.memory
    other = busy(builder, "other", asleep=True)
    m[m[f.G_ACTIONS] + vocab.BLOCK] = program(builder, (ops.OP_SPEND_NS, 5000), (ops.OP_RAISE, vocab.BLOCK), (ops.OP_RET,))
    at_times(builder, 24, [1000], (ops.OP_RAISE, vocab.BLOCK))
    at_times(builder, 25, [12_000], (ops.OP_WAKE, other))
    return run(builder, 40_000)[1]


def test_need_resched_ends_the_passes():
    table = woken_between_passes()
    assert times_of(table, vocab.SOFTIRQ_EXIT)[:3] == [6000, 11_000, 16_000]
    assert times_of(table, vocab.SCHED_WAKING, a=15) == [16_000]


def test_in_ksoftirqd_passes_go_on_and_on():
    _, table = raising(vocab.BLOCK, 5000, fifo=False)
    inline = times_of(table, vocab.SOFTIRQ_ENTRY, pid=0)
    assert len(inline) == 10
    assert len(times_of(table, vocab.SOFTIRQ_ENTRY, pid=15)) > 900


@pytest.mark.parametrize("kernel, inline", [("6.1", []), ("6.12", [2_000_000])])
@pytest.mark.parametrize("vector", [vocab.NET_TX, vocab.TASKLET])
def test_while_ksoftirqd_can_run_6_1_leaves_softirqs_to_it_but_tasklets(kernel, inline, vector):
    # ksoftirqd is woken at 1 ms by a raise in a task that keeps preemption off; an interrupt raises `vector` at 2 ms
    builder = Builder(1, kernel=kernel)
    m = builder.memory
    for each in (vocab.BLOCK, vector):
        m[m[f.G_ACTIONS] + each] = builder.routines["nothing"]
    task = builder.task("app", 0, program(
        builder, (ops.OP_SPEND_NS, 1_000_000), (ops.OP_RAISE, vocab.BLOCK), (ops.OP_SPEND_NS, 2_000_000), (ops.OP_BLOCK, f.SLEEPING)
    ), policy=f.FIFO, priority=1)  # fmt: skip
    at_times(builder, 24, [2_000_000], (ops.OP_RAISE, vector))
    _, table = run(builder, 10_000_000)
    entries = times_of(table, vocab.SOFTIRQ_ENTRY, a=vector, pid=int(m[task + f.K_PID]))
    assert entries == ([2_000_000] if vector == vocab.TASKLET else inline)


def test_with_threadirqs_interrupts_leave_softirqs_to_ksoftirqd():
    _, table = raising(vocab.BLOCK, 5000, fifo=False, threadirqs=True)
    assert times_of(table, vocab.SCHED_WAKING) == [1000]
    assert set(table.pid[table.kind == vocab.SOFTIRQ_ENTRY].tolist()) == {15}


def test_a_raise_in_a_task_wakes_ksoftirqd_and_one_with_bottom_halves_off_does_not():
    builder = Builder(1)
    m = builder.memory
    m[m[f.G_ACTIONS] + vocab.BLOCK] = builder.routines["nothing"]
    builder.task("app", 0, program(
        builder, (ops.OP_RAISE, vocab.BLOCK), (ops.OP_SLEEP, 100_000), (ops.OP_BH_OFF,), (ops.OP_RAISE, vocab.BLOCK),
        (ops.OP_SPEND_NS, 5000), (ops.OP_BH_ON,), (ops.OP_EXIT,),
    ))  # fmt: skip
    _, table = run(builder, 1_000_000)
    assert times_of(table, vocab.SCHED_WAKING, a=15) == [0]
    assert times_of(table, vocab.SOFTIRQ_ENTRY) == [0, 105_000]


def test_a_raise_on_another_cpu_does_not_exist():
    builder = Builder(1, cpus=2)
    at_times(builder, 24, [1000], (ops.OP_RAISE, vocab.RCU), cpu=1)
    _, table = run(builder, 100_000)
    assert set(table.cpu[table.kind == vocab.SOFTIRQ_ENTRY].tolist()) == {1}


def test_vectors_run_lowest_first_and_counters_count_them():
    builder = Builder(1)
    at_times(builder, 24, [1000], *[(ops.OP_RAISE, vector) for vector in (9, 4, 0, 8, 2, 5, 1, 6, 7, 3)])
    world, table = run(builder, 100_000)
    assert table.a[table.kind == vocab.SOFTIRQ_ENTRY].tolist() == list(range(10))
    assert [int(world.memory[builder.cpus[0] + f.C_SOFTIRQS + vector]) for vector in range(10)] == [1] * 10


def test_each_law_of_this_scope_is_exercised():
    exercised, kinds = set(), [(kernel, fifo) for kernel in ("6.1", "6.12") for fifo in (False, True)]
    tables = [(raising(vocab.BLOCK, 5000, kernel=kernel, fifo=fifo)[1], False) for kernel, fifo in kinds]
    for machine in ({}, {"kernel": "6.1"}, {"preempt": "rt", "threadirqs": True}, {"threadirqs": True}):
        world = mixed(**machine).world(trace_rows=3000)
        world.run(30_000_000)
        tables.append((event_table(world), machine.get("preempt") == "rt"))
    tables += [(two_cpus_want_one_tasklet(), False), (two_passes_while_ksoftirqd_sleeps(), False)]
    for table, preempt_rt in tables:
        verdicts = laws.judge(table, preempt_rt)
        assert not [verdict.law.name for verdict in verdicts if not verdict.holds]
        exercised |= {verdict.law.name for verdict in verdicts if verdict.exercised}
    assert sorted({verdict.law.name for verdict in verdicts} - exercised) == WITH_WORKS


WITH_WORKS = ["work-activated", "work-context", "work-one-worker", "work-pair", "work-queued"]


def two_passes_while_ksoftirqd_sleeps():
    """Passes are only judged where ksoftirqd's sleep is known: a raise in a task wakes it before and after."""
    builder = Builder(1)
    m = builder.memory
    m[m[f.G_ACTIONS] + vocab.BLOCK] = program(builder, (ops.OP_SPEND_NS, 5000), (ops.OP_RET,))
    builder.task("app", 0, program(builder, (ops.OP_RAISE, vocab.BLOCK), (ops.OP_SLEEP, 300_000), (ops.OP_JUMP, "start")))
    at_times(builder, 24, [100_000, 102_000], (ops.OP_RAISE, vocab.BLOCK))
    return run(builder, 1_000_000)[1]


def two_cpus_want_one_tasklet():
    builder = Builder(1, cpus=2, costs={"softirq_entry": 100})
    one = add_tasklet(builder, "both", program(builder, (ops.OP_SPEND_NS, 20_000), (ops.OP_RET,)))
    for cpu in (0, 1):
        at_times(builder, 24 + cpu, [1000 + 4000 * cpu, 60_000], (ops.OP_TASKLET_SCHEDULE, one, vocab.TASKLET), cpu=cpu)
    return run(builder, 1_000_000)[1]
