"""Ticks and timers: who ticks, when timers of each kind expire and in what context."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelprograms import at_times, busy, program, run, times_of
from tophalf import vocab
from tophalf.judge import laws
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.tick import start_timer

pytestmark = pytest.mark.kernels
TICK, TIMER_VECTOR = vocab.VECTOR_ENTRY, 0xEC


@pytest.mark.parametrize("hz", [100, 250, 1000])
def test_a_busy_cpu_ticks_and_an_idle_one_does_not(hz):
    builder = Builder(1, cpus=2, hz=hz)
    busy(builder, cpu=1)
    _, table = run(builder, 50_000_000)
    period_ns = 10**9 // hz
    assert times_of(table, TICK, cpu=1, a=TIMER_VECTOR) == list(range(period_ns, 50_000_000, period_ns))
    assert times_of(table, TICK, cpu=0) == []


def test_without_nohz_an_idle_cpu_ticks_too():
    builder = Builder(1, cpus=2, nohz=False)
    _, table = run(builder, 20_000_001)
    for cpu in (0, 1):
        assert times_of(table, TICK, cpu=cpu) == [4_000_000, 8_000_000, 12_000_000, 16_000_000, 20_000_000]


def test_a_tick_costs_what_was_said():
    builder = Builder(1, costs={"timer_tick": 1700, "irq_entry": 200, "irq_exit": 100})
    busy(builder)
    world, _ = run(builder, 20_000_000)
    times = builder.cpus[0] + f.C_TIMES
    assert int(world.memory[times + f.HARDIRQ]) == 4 * 2000
    assert int(world.memory[times + f.TASK]) == 20_000_000 - 4 * 2000


def test_a_task_that_sleeps_is_woken_by_the_local_timer_to_the_nanosecond():
    builder = Builder(1)
    task = builder.task("app", 0, program(builder, (ops.OP_SPEND_NS, 1001), (ops.OP_SLEEP, 5003), (ops.OP_JUMP, "start")))
    _, table = run(builder, 20_000)
    assert times_of(table, vocab.SCHED_WAKEUP, a=builder.memory[task + f.K_PID]) == [6004, 12_008, 18_012]
    assert times_of(table, TICK) == [6004, 12_008, 18_012]


def timed(flag, when):
    """A world with a timer that calls a function of 3 µs, started at 1 µs for `when`; (builder, timer)."""
    builder = Builder(1)
    timer = builder.memory.take(f.HRTIMER_SIZE)
    function = program(builder, (ops.OP_SPEND_NS, 3000), (ops.OP_RAISE, vocab.RCU), (ops.OP_RET,))
    builder.hrtimer(timer, f.DO_CALL + flag, function)
    return builder, timer


@pytest.mark.parametrize(
    "flag, expires, vector",
    [(0, 5_000_003, None), (f.IN_SOFTIRQ_TIMER, 5_000_003, vocab.HRTIMER), (f.IN_WHEEL, 8_000_000, vocab.TIMER)],
)
def test_when_and_where_timers_expire(flag, expires, vector):
    from tophalf.model.table import event_table

    builder, timer = timed(flag, 5_000_003)
    world = builder.world(100)
    start_timer(world.memory, timer, builder.cpus[0], 5_000_003)
    world.run(20_000_000)
    table = event_table(world)
    first = [] if vector is None else [vector]
    assert times_of(table, TICK, a=TIMER_VECTOR) == [expires]
    assert [int(a) for a in table.a[table.kind == vocab.SOFTIRQ_ENTRY]] == [*first, vocab.RCU]
    (raised,) = [row for row in range(len(table)) if table.kind[row] == vocab.SOFTIRQ_RAISE and table.a[row] == vocab.RCU]
    assert table.time_ns[raised] == expires + 3000
    assert bool(table.flags[raised] & vocab.FLAG_HARDIRQ) == (vector is None)
    assert not [verdict.law.name for verdict in laws.judge(table, False) if not verdict.holds]


@given(st.lists(st.integers(0, 30_000_000), min_size=1, max_size=12), st.sampled_from([0, f.IN_SOFTIRQ_TIMER, f.IN_WHEEL]))
def test_timers_expire_in_order_and_never_early(times, flag):
    builder = Builder(1)
    woken = []
    for _ in times:
        task = builder.task("waits", 0, program(builder, (ops.OP_EXIT,)), policy=f.FIFO, priority=1, asleep=True)
        builder.hrtimer(task + f.K_TIMER, f.DO_WAKE + flag, task)
        woken.append(task)
    world = builder.world(2000)
    for task, time_ns in zip(woken, times, strict=True):
        start_timer(world.memory, task + f.K_TIMER, builder.cpus[0], time_ns)
    world.run(40_000_000)
    from tophalf.model.table import event_table

    table = event_table(world)
    pids = [int(builder.memory[task + f.K_PID]) for task in woken]
    at = {pid: times_of(table, vocab.SCHED_WAKING, a=pid) for pid in pids}
    for pid, time_ns in zip(pids, times, strict=True):
        period_ns = 4_000_000
        assert at[pid] == [(time_ns // period_ns + 1) * period_ns if flag == f.IN_WHEEL else time_ns]


def test_ticks_of_two_cpus_come_at_the_same_moment():
    builder = Builder(1, cpus=2)
    for cpu in (0, 1):
        busy(builder, cpu=cpu)
    at_times(builder, 24, [1_234_567], (ops.OP_SPEND_NS, 10))
    _, table = run(builder, 30_000_000)
    assert times_of(table, TICK, cpu=0) == times_of(table, TICK, cpu=1) != []
