"""Tasklets: scheduled, disabled, killed, by themselves, on two CPUs; the laws on random ones."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelprograms import at_times, busy, program, run, times_of
from tophalf import vocab
from tophalf.judge import laws
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.irq.builddevices import add_tasklet

pytestmark = pytest.mark.kernels
TASKLET, HI = vocab.TASKLET, vocab.HI
ENTRY, EXIT = vocab.TASKLET_ENTRY, vocab.TASKLET_EXIT


def tasklet(builder, name="tasklet", spend_ns=5000, *rest):
    return add_tasklet(builder, name, program(builder, (ops.OP_SPEND_NS, spend_ns), *rest, (ops.OP_RET,)))


def schedule(one, vector=TASKLET):
    return (ops.OP_TASKLET_SCHEDULE, one, vector)


def runs(world, one):
    return int(world.memory[one + f.TL_RUNS])


def test_scheduled_many_times_before_it_starts_it_runs_once():
    builder = Builder(1)
    one = tasklet(builder)
    at_times(builder, 24, [1000], schedule(one), schedule(one), schedule(one))
    world, table = run(builder, 1_000_000)
    assert runs(world, one) == 1
    assert times_of(table, vocab.SOFTIRQ_RAISE) == [1000]
    assert times_of(table, EXIT) == [6000]


def test_scheduled_while_it_runs_it_runs_again():
    builder = Builder(1)
    one = tasklet(builder)
    at_times(builder, 24, [1000, 3000], schedule(one))
    world, table = run(builder, 1_000_000)
    assert times_of(table, ENTRY) == [1000, 6000]
    assert times_of(table, vocab.SOFTIRQ_ENTRY) == [1000, 6000]


def test_one_that_schedules_itself_runs_in_ten_passes_and_then_in_ksoftirqd():
    builder = Builder(1)
    busy(builder, policy=f.FIFO, priority=1)  # so that waking ksoftirqd does not end the passes
    one = builder.memory.take(f.TASKLET_SIZE)
    m = builder.memory
    m[one + f.TL_PROGRAM] = program(builder, (ops.OP_SPEND_NS, 5000), schedule(one), (ops.OP_RET,))
    at_times(builder, 24, [1000], schedule(one))
    world, table = run(builder, 1_000_000)
    assert runs(world, one) == 10
    assert times_of(table, vocab.SCHED_WAKING, a=15) == [51_000]


def test_a_disabled_one_keeps_raising_until_it_is_enabled():
    builder = Builder(1, costs={"softirq_entry": 500})
    one = tasklet(builder)
    at_times(builder, 24, [1000], (ops.OP_TASKLET_DISABLE, one), schedule(one))
    at_times(builder, 25, [100_000], (ops.OP_TASKLET_ENABLE, one))
    world, table = run(builder, 1_000_000)
    assert runs(world, one) == 1
    assert 100_000 <= times_of(table, ENTRY)[0] <= 102_000
    assert len(times_of(table, vocab.SOFTIRQ_RAISE)) > 100


def test_disabled_twice_it_is_enabled_twice():
    builder = Builder(1, costs={"softirq_entry": 500})
    one = tasklet(builder)
    at_times(builder, 24, [1000], (ops.OP_TASKLET_DISABLE, one), (ops.OP_TASKLET_DISABLE, one), schedule(one))
    at_times(builder, 25, [50_000, 80_000], (ops.OP_TASKLET_ENABLE, one))
    _, table = run(builder, 200_000)
    assert 80_000 <= times_of(table, ENTRY)[0] <= 82_000


def test_scheduled_on_two_cpus_it_runs_on_one_at_a_time():
    # CPU 1 schedules it while it runs on CPU 0: it looks, raises again and waits until CPU 0 is done
    builder = Builder(1, cpus=2, costs={"softirq_entry": 100})
    one = tasklet(builder, "both", 20_000)
    at_times(builder, 24, [1000], schedule(one))
    at_times(builder, 25, [5000], schedule(one), cpu=1)
    world, table = run(builder, 1_000_000)
    assert times_of(table, ENTRY, cpu=0) == [1100]
    assert times_of(table, ENTRY, cpu=1)[0] >= times_of(table, EXIT, cpu=0)[0] == 21_100
    assert len(times_of(table, vocab.SOFTIRQ_RAISE, cpu=1)) > 10


def test_hi_tasklets_run_first():
    builder = Builder(1)
    low, high = tasklet(builder, "low"), tasklet(builder, "high")
    at_times(builder, 24, [1000], schedule(low), schedule(high, HI))
    _, table = run(builder, 100_000)
    names = [table.function(int(table.b[row])) for row in range(len(table)) if table.kind[row] == ENTRY]
    assert names == ["high", "low"]


def test_kill_waits_until_a_scheduled_one_has_run():
    builder = Builder(1)
    one = tasklet(builder, "slow", 30_000)
    killer = builder.task("killer", 0, program(
        builder, (ops.OP_SPEND_NS, 2000), schedule(one), (ops.OP_TASKLET_KILL, one), (ops.OP_TASKLET_KILLED, one),
        (ops.OP_SPEND_NS, 1000), (ops.OP_EXIT,),
    ))  # fmt: skip
    world, table = run(builder, 1_000_000)
    assert runs(world, one) == 1
    assert times_of(table, EXIT) == [32_000]
    assert times_of(table, vocab.SCHED_SWITCH, pid=builder.memory[killer + f.K_PID], b=2) != []  # it slept, uninterruptibly
    assert times_of(table, vocab.SCHED_SWITCH, pid=builder.memory[killer + f.K_PID], b=f.DEAD) == [33_000]
    assert int(world.memory[one + f.TL_STATE]) == 0


def test_kill_waits_for_one_that_runs_on_another_cpu():
    builder = Builder(1, cpus=2)
    one = tasklet(builder, "slow", 30_000)
    at_times(builder, 24, [1000], schedule(one), cpu=1)
    builder.task("killer", 0, program(
        builder, (ops.OP_SPEND_NS, 5000), (ops.OP_TASKLET_KILL, one), (ops.OP_TASKLET_KILLED, one), (ops.OP_EXIT,)
    ))  # fmt: skip
    _, table = run(builder, 1_000_000)
    assert times_of(table, vocab.SCHED_SWITCH, b=f.DEAD) == [31_000]


@st.composite
def machines(draw):
    machine = {"kernel": draw(st.sampled_from(("6.1", "6.12"))), "preempt": draw(st.sampled_from(("none", "full", "rt")))}
    machine["threadirqs"] = machine["preempt"] == "rt" or draw(st.booleans())
    builder = Builder(1, cpus=2, costs={"irq_entry": 100, "softirq_entry": 150, "context_switch": 400}, **machine)
    tasklets = [tasklet(builder, f"t{number}", draw(st.integers(0, 30_000))) for number in range(3)]
    for irq in range(24, 24 + draw(st.integers(1, 4))):
        one = draw(st.sampled_from(tasklets))
        what = draw(st.sampled_from(("schedule", "schedule", "disable")))
        times = sorted(draw(st.sets(st.integers(0, 400_000), min_size=1, max_size=6)))
        doing = [schedule(one, HI if one == tasklets[0] else TASKLET)] if what == "schedule" else [(ops.OP_TASKLET_DISABLE, one)]
        at_times(builder, irq, times, *doing, cpu=draw(st.integers(0, 1)))
        if what == "disable":
            at_times(builder, irq + 10, [time + draw(st.integers(1, 50_000)) for time in times], (ops.OP_TASKLET_ENABLE, one))
    return builder, tasklets, machine


@settings(max_examples=150)
@given(machines())
def test_the_laws_hold_and_each_schedule_is_followed_by_a_run(machine):
    builder, tasklets, given_machine = machine
    world, table = run(builder, 4_000_000)
    verdicts = laws.judge(table, given_machine["preempt"] == "rt")
    assert not [verdict.law.name for verdict in verdicts if not verdict.holds]
    m = world.memory
    for one in tasklets:
        if int(m[one + f.TL_COUNT]) == 0:
            assert int(m[one + f.TL_STATE]) == 0, "scheduled, enabled, and never run"
        entries, exits = (times_of(table, kind, a=int(m[one + f.TL_ADDRESS])) for kind in (ENTRY, EXIT))
        assert len(entries) == len(exits) == runs(world, one)
    for cpu in builder.cpus:
        assert sum(int(m[cpu + f.C_TIMES + part]) for part in range(f.CLASSES)) == 4_000_000
