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
from tophalf.model.sched.tick import start_timer
from tophalf.model.table import event_table

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


def waking(builder, flag, count):
    """So many sleeping tasks, their timers of the kind of `flag`."""
    tasks = [builder.task("waits", 0, program(builder, (ops.OP_EXIT,)), asleep=True) for _ in range(count)]
    for task in tasks:
        builder.hrtimer(task + f.K_TIMER, f.DO_WAKE + flag, task)
    return [task + f.K_TIMER for task in tasks]


@pytest.mark.parametrize("entry_ns", [0, 200])
@pytest.mark.parametrize("flag", [0, f.IN_SOFTIRQ_TIMER, f.IN_WHEEL])
def test_timers_of_one_moment_have_one_interrupt(flag, entry_ns):
    builder = Builder(1, costs={"irq_entry": entry_ns})
    timers = waking(builder, flag, 3)
    world = builder.world(100)
    for timer in timers:
        start_timer(world.memory, timer, builder.cpus[0], 5_000_000)
    world.run(30_000_000)
    assert len(times_of(event_table(world), TICK, a=TIMER_VECTOR)) == 1


def test_a_timer_that_expires_before_the_handler_is_done_is_run_by_it():
    """irq_entry 200 ns, tick 1000: the first tick's handler runs from 4,000,200 to 4,001,200, and looks once more then."""
    builder = Builder(1, costs={"irq_entry": 200, "timer_tick": 1000})
    busy(builder)
    timers = waking(builder, 0, 3)
    world = builder.world(100)
    for timer, time_ns in zip(timers, (4_000_100, 4_000_700, 4_001_300), strict=True):
        start_timer(world.memory, timer, builder.cpus[0], time_ns)
    world.run(7_000_000)
    table = event_table(world)
    assert times_of(table, TICK) == [4_000_200, 4_001_500]
    assert times_of(table, vocab.SCHED_WAKING) == [4_001_200, 4_001_200, 4_001_500]


def test_soft_timers_that_expire_in_their_softirq_have_an_interrupt_of_their_own():
    """The softirq begins at 5,000,003 and looks at that time; its function takes 3 µs, in which the second one expires."""
    builder, timer = timed(f.IN_SOFTIRQ_TIMER, 0)
    (other,) = waking(builder, f.IN_SOFTIRQ_TIMER, 1)
    world = builder.world(100)
    start_timer(world.memory, timer, builder.cpus[0], 5_000_003)
    start_timer(world.memory, other, builder.cpus[0], 5_001_000)
    world.run(7_000_000)
    table = event_table(world)
    assert times_of(table, TICK) == [5_000_003, 5_003_003]
    assert times_of(table, vocab.SOFTIRQ_ENTRY, a=vocab.HRTIMER) == [5_000_003, 5_003_003]
    assert times_of(table, vocab.SCHED_WAKING) == [5_003_003]


def test_an_idle_cpu_ticks_for_a_timer_of_the_wheel():
    builder = Builder(1, costs={"timer_tick": 700})
    (timer,) = waking(builder, f.IN_WHEEL, 1)
    world = builder.world(100)
    start_timer(world.memory, timer, builder.cpus[0], 5_000_000)
    world.run(20_000_000)
    assert times_of(event_table(world), vocab.SOFTIRQ_ENTRY) == [8_000_700]
    assert world.memory[builder.cpus[0] + f.C_TICKS + f.TICK_IDLE] == 1
