"""Bottom halves off, and PREEMPT_RT's lock for them: who waits, who lends priority, who runs the softirqs."""

import pytest
from hypothesis import given, settings

from modelprograms import at_times, busy, program, run, times_of
from softirqtwin import model_of
from test_model_softirq import scenarios
from tophalf import vocab
from tophalf.judge import laws
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.table import event_table

pytestmark = pytest.mark.kernels


def contended():
    """A softirq of 100 µs in ksoftirqd from 10 µs on; FIFO 20 computes from 20 µs on, FIFO 50 wants bottom halves off at 30 µs."""
    builder = Builder(1, preempt="rt", threadirqs=True)
    m = builder.memory
    m[m[f.G_ACTIONS] + vocab.BLOCK] = program(builder, (ops.OP_SPEND_NS, 100_000), (ops.OP_RET,))
    high = builder.task("high", 0, program(
        builder, (ops.OP_BH_OFF,), (ops.OP_SPEND_NS, 40_000), (ops.OP_BH_ON,), (ops.OP_EXIT,)
    ), policy=f.FIFO, priority=50, asleep=True)  # fmt: skip
    middle = busy(builder, "middle", policy=f.FIFO, priority=20, asleep=True)
    at_times(builder, 24, [10_000], (ops.OP_RAISE, vocab.BLOCK))
    at_times(builder, 25, [20_000], (ops.OP_WAKE, middle))
    at_times(builder, 26, [30_000], (ops.OP_WAKE, high))
    return builder, m[high + f.K_PID], m[middle + f.K_PID]


def test_the_owner_of_the_lock_is_lent_the_priority_of_who_waits():
    builder, high, middle = contended()
    world, table = run(builder, 1_000_000)
    ksoftirqd = 15
    switches = [
        (int(table.time_ns[row]), int(table.a[row]), int(table.b[row]), int(table.c[row]))
        for row in range(len(table)) if table.kind[row] == vocab.SCHED_SWITCH
    ]  # fmt: skip
    assert switches == [
        (10_000, ksoftirqd, 0, 120), (20_000, middle, 0x100, 79), (30_000, high, 0, 49),
        (30_000, ksoftirqd, 2, 49),  # waits: D; ksoftirqd goes on in its place, past the middle one
        (120_000, high, 0x100, 49), (160_000, middle, 16, 79),
    ]  # fmt: skip
    assert times_of(table, vocab.SOFTIRQ_EXIT) == [120_000]
    cpu = builder.cpus[0]
    assert int(world.memory[cpu + f.C_BH_OWNER]) == int(world.memory[cpu + f.C_BH_WAITERS]) == 0


def test_ksoftirqd_is_itself_again_afterwards():
    builder, _, _ = contended()
    world, table = run(builder, 1_000_000)
    ksoftirqd = world.memory[builder.cpus[0] + f.C_KSOFTIRQD]
    assert (int(world.memory[ksoftirqd + f.K_POLICY]), int(world.memory[ksoftirqd + f.K_BOOSTED])) == (f.FAIR, 0)
    assert not [verdict.law.name for verdict in laws.judge(table, True) if not verdict.holds]


def test_without_rt_nobody_can_come_between():
    builder = Builder(1, preempt="full")
    m = builder.memory
    m[m[f.G_ACTIONS] + vocab.BLOCK] = program(builder, (ops.OP_SPEND_NS, 100_000), (ops.OP_RET,))
    high = busy(builder, "high", policy=f.FIFO, priority=50, asleep=True)
    at_times(builder, 24, [10_000], (ops.OP_RAISE, vocab.BLOCK))
    at_times(builder, 25, [30_000], (ops.OP_WAKE, high))
    _, table = run(builder, 1_000_000)
    assert times_of(table, vocab.SCHED_SWITCH) == [110_000]


def test_a_raise_with_bottom_halves_off_on_another_task_wakes_nobody_on_rt():
    # should_wake_ksoftirqd: the task that has them off runs the softirq when it lets them on
    builder = Builder(1, preempt="rt", threadirqs=True)
    app = builder.task("app", 0, program(
        builder, (ops.OP_BH_OFF,), (ops.OP_SPEND_NS, 50_000), (ops.OP_BH_ON,), (ops.OP_EXIT,)
    ))  # fmt: skip
    at_times(builder, 24, [20_000], (ops.OP_RAISE, vocab.RCU))
    _, table = run(builder, 1_000_000)
    assert times_of(table, vocab.SCHED_WAKING) == []
    assert times_of(table, vocab.SOFTIRQ_ENTRY, pid=builder.memory[app + f.K_PID]) == [50_000]


def test_bottom_halves_off_twice_come_on_once():
    builder = Builder(1)
    builder.task("app", 0, program(
        builder, (ops.OP_BH_OFF,), (ops.OP_BH_OFF,), (ops.OP_RAISE, vocab.RCU), (ops.OP_SPEND_NS, 1000), (ops.OP_BH_ON,),
        (ops.OP_SPEND_NS, 1000), (ops.OP_BH_ON,), (ops.OP_EXIT,),
    ))  # fmt: skip
    _, table = run(builder, 100_000)
    assert times_of(table, vocab.SOFTIRQ_ENTRY) == [2000]
    assert times_of(table, vocab.SCHED_WAKING) == []


@settings(max_examples=100)
@given(scenarios())
def test_on_rt_one_task_at_a_time_has_bottom_halves_off(scenario):
    scenario |= {"preempt": "rt", "threadirqs": True, "kernel": "6.12"}
    world = model_of(scenario).world(trace_rows=3000)
    world.run(scenario["until_ns"])
    table, owner = event_table(world), None
    for pid, flags, kind in zip(table.pid.tolist(), table.flags.tolist(), table.kind.tolist(), strict=True):
        if flags & (vocab.FLAG_SOFTIRQ | vocab.FLAG_BH_OFF):
            assert owner in (None, pid), "two at once"
            owner = pid
        elif owner == pid and not flags & vocab.FLAG_HARDIRQ:
            owner = None
        assert kind != vocab.SOFTIRQ_ENTRY or owner == pid
    assert not [verdict.law.name for verdict in laws.judge(table, True) if not verdict.holds]
    cpu = world.builder.cpus[0]
    assert sum(int(world.memory[cpu + f.C_TIMES + part]) for part in range(f.CLASSES)) == scenario["until_ns"]


def test_a_fair_task_takes_the_lock_again_before_another_that_was_woken_for_it():
    # The first sleeps with bottom halves off to 30 µs, the second wants that at 10 µs and waits. Woken for it at 40 µs it may not
    # run yet, and the first has the lock again at 41 µs; at 141 µs it sleeps without, and the second has its turn
    builder = Builder(1, preempt="rt", threadirqs=True)
    first = builder.task("first", 0, program(
        builder, (ops.OP_BH_OFF,), (ops.OP_SLEEP, 30_000), (ops.OP_SPEND_NS, 10_000), (ops.OP_BH_ON,), (ops.OP_SPEND_NS, 1000),
        (ops.OP_BH_OFF,), (ops.OP_SPEND_NS, 100_000), (ops.OP_BH_ON,), (ops.OP_EXIT,),
    ), priority=-20)  # fmt: skip
    second = builder.task("second", 0, program(
        builder, (ops.OP_SLEEP, 10_000), (ops.OP_BH_OFF,), (ops.OP_SPEND_NS, 5000), (ops.OP_BH_ON,), (ops.OP_EXIT,)
    ))  # fmt: skip
    _, table = run(builder, 1_000_000)
    first, second = builder.memory[first + f.K_PID], builder.memory[second + f.K_PID]
    switches = table.kind == vocab.SCHED_SWITCH
    told = list(zip(*(column[switches].tolist() for column in (table.time_ns, table.a, table.b)), strict=True))
    assert told == [(0, first, 0), (0, second, 1), (0, 0, 1), (10_000, second, 0), (10_000, 0, 2), (30_000, first, 0),
                    (141_000, second, 16), (146_000, 0, 16)]  # fmt: skip
    assert times_of(table, vocab.SCHED_WAKING, a=second) == [10_000, 40_000]
