"""The scheduler: shares by weight, wakeups of both kernels' fair classes, FIFO, preemption models, what sched_switch says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelprograms import at_times, busy, program, run, times_of
from tophalf import vocab
from tophalf.judge import laws
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.sched.fair import WEIGHTS, weight_of_nice

pytestmark = pytest.mark.kernels
KERNELS = ("6.1", "6.12")
SWITCH = vocab.SCHED_SWITCH


def test_each_nice_level_is_a_quarter_more():
    assert weight_of_nice(0) == 1024
    assert len(WEIGHTS) == 40
    assert all(1.19 < one / other < 1.3 for one, other in zip(WEIGHTS, WEIGHTS[1:], strict=False))


@settings(max_examples=40)
@given(st.lists(st.integers(-10, 10), min_size=2, max_size=5), st.sampled_from(KERNELS), st.sampled_from((100, 250, 1000)))
def test_busy_tasks_share_a_cpu_by_weight(nices, kernel, hz):
    builder = Builder(1, hz=hz, kernel=kernel)
    tasks = [busy(builder, priority=nice) for nice in nices]
    world = builder.world()
    total_ns = 4_000_000_000
    world.run(total_ns)
    load = sum(weight_of_nice(nice) for nice in nices)
    tick_ns = 10**9 // hz
    for task, nice in zip(tasks, nices, strict=True):
        share_ns = total_ns * weight_of_nice(nice) / load
        # EEVDF keeps lags within a slice or a tick; CFS lets a task run on for its share of the latency
        assert abs(int(world.memory[task + f.K_RUNTIME]) - share_ns) <= 3 * max(tick_ns, 6_000_000)


def wakes_at(kernel, time_ns):
    """When a task that slept from the beginning gets the CPU of a busy one, woken at time_ns. HZ=250, costs nothing."""
    builder = Builder(1, kernel=kernel)
    busy(builder)
    sleeper = busy(builder, "sleeper", asleep=True)
    at_times(builder, 24, [time_ns], (ops.OP_WAKE, sleeper))
    _, table = run(builder, 30_000_000)
    return times_of(table, SWITCH, a=builder.memory[sleeper + f.K_PID])[0]


def test_a_sleeper_preempts_at_once_in_cfs():
    # 3 ms of credit against 1 ms of granularity
    assert wakes_at("6.1", 8_300_000) == 8_300_000


def test_a_sleeper_waits_for_the_slice_in_eevdf():
    # The tick at 8 ms gave the busy one a slice up to 8.7 ms: at 8.3 ms its deadline is earlier, and only a tick looks again
    assert wakes_at("6.12", 8_300_000) == 12_000_000
    assert wakes_at("6.12", 9_100_000) == 9_100_000


def test_eevdf_lets_a_task_that_slept_soon_wait_for_what_it_had_too_much():
    # It used 5 ms while the other waited, slept, and was woken: it competes on where it was, behind the other
    builder = Builder(1, hz=1000)
    code = [(ops.OP_SPEND_NS, 500_000), (ops.OP_BLOCK, f.SLEEPING), (ops.OP_JUMP, "start")]
    first = builder.task("first", 0, program(builder, *code))
    busy(builder, "second")
    at_times(builder, 24, [600_000], (ops.OP_WAKE, first))
    world, table = run(builder, 5_000_000)
    switches = times_of(table, SWITCH, a=world.builder.memory[first + f.K_PID])
    assert switches[0] == 0
    assert switches[1] == 1_000_000  # not at 600 µs: it is owed nothing before the other has had as much


def test_fifo_goes_before_fair_and_keeps_the_cpu():
    builder = Builder(1)
    busy(builder)
    low, high = (busy(builder, name, policy=f.FIFO, priority=priority, asleep=True) for name, priority in (("low", 1), ("high", 2)))
    at_times(builder, 24, [1_000_000], (ops.OP_WAKE, low))
    at_times(builder, 25, [2_000_000], (ops.OP_WAKE, high))
    world, table = run(builder, 50_000_000)
    assert times_of(table, SWITCH)[1:] == [1_000_000, 2_000_000]
    assert table.c[table.kind == SWITCH].tolist()[1:] == [98, 97]
    assert int(world.memory[high + f.K_RUNTIME]) == 48_000_000


def system_call(builder):
    """A task that computes 10 µs in user mode and 100 µs in the kernel."""
    inside = program(builder, (ops.OP_SPEND_NS, 100_000), (ops.OP_RET,))
    return builder.task("caller", 0, program(builder, (ops.OP_SPEND_NS, 10_000), (ops.OP_SYSCALL, inside), (ops.OP_JUMP, "start")))


@pytest.mark.parametrize("preempt, time_ns, state", [("none", 110_000, 0), ("voluntary", 110_000, 0), ("full", 50_000, 0x100)])
def test_when_a_task_in_the_kernel_can_be_left(preempt, time_ns, state):
    # In a system call from 10 to 110 µs; a FIFO task is woken at 50 µs
    builder = Builder(1, preempt=preempt)
    system_call(builder)
    other = busy(builder, "other", policy=f.FIFO, priority=1, asleep=True)
    at_times(builder, 24, [50_000], (ops.OP_WAKE, other))
    _, table = run(builder, 1_000_000)
    (row,) = [row for row in range(len(table)) if table.kind[row] == SWITCH and table.time_ns[row] > 0]
    assert (int(table.time_ns[row]), int(table.b[row])) == (time_ns, state)


@pytest.mark.parametrize("preempt", ["none", "full"])
def test_a_task_in_user_mode_is_left_at_once_and_counts_as_running(preempt):
    builder = Builder(1, preempt=preempt)
    busy(builder)
    other = busy(builder, "other", policy=f.FIFO, priority=1, asleep=True)
    at_times(builder, 24, [50_000], (ops.OP_WAKE, other))
    world, table = run(builder, 1_000_000)
    assert table.b[table.kind == SWITCH].tolist() == [0, 0]  # idle, then the task: R, not R+
    assert int(world.memory[f.G_SWITCH_BY_INTERRUPT]) == 2 - int(world.memory[f.G_SWITCH_VOLUNTARY])


def test_preemption_off_keeps_others_away_until_it_is_on():
    builder = Builder(1, preempt="full")
    builder.task("app", 0, program(
        builder, (ops.OP_PREEMPT_OFF,), (ops.OP_SPEND_NS, 100_000), (ops.OP_PREEMPT_ON,), (ops.OP_SPEND_NS, 100_000), (ops.OP_EXIT,)
    ))  # fmt: skip
    other = busy(builder, "other", policy=f.FIFO, priority=1, asleep=True)
    at_times(builder, 24, [50_000], (ops.OP_WAKE, other))
    _, table = run(builder, 1_000_000)
    assert times_of(table, SWITCH)[1:] == [100_000]
    assert table.b[table.kind == SWITCH].tolist()[1:] == [0x100]


def test_a_wakeup_on_another_cpu_comes_by_an_interrupt():
    builder = Builder(1, cpus=2, costs={"ipi": 700})
    other = busy(builder, "other", cpu=1, asleep=True)
    at_times(builder, 24, [50_000], (ops.OP_WAKE, other))
    _, table = run(builder, 1_000_000)
    assert times_of(table, vocab.SCHED_WAKEUP, cpu=0) == [50_000]
    assert times_of(table, vocab.VECTOR_ENTRY, cpu=1, a=0xFD) == [50_700]
    assert times_of(table, SWITCH, cpu=1) == [50_700]


def test_a_task_that_ends_never_comes_back():
    builder = Builder(1)
    task = builder.task("app", 0, program(builder, (ops.OP_SPEND_NS, 1000), (ops.OP_EXIT,)))
    at_times(builder, 24, [500_000], (ops.OP_SPEND_NS, 10))
    _, table = run(builder, 1_000_000)
    assert table.b[table.kind == SWITCH].tolist() == [0, f.DEAD]
    assert int(builder.memory[task + f.K_PID]) in table.pid.tolist()


@settings(max_examples=60)
@given(st.data())
def test_pieces_of_a_run_and_its_trace_change_nothing(data):
    task = st.tuples(st.integers(-5, 10), st.integers(50_000, 900_000), st.integers(50_000, 900_000))
    given_tasks = data.draw(st.lists(task, min_size=1, max_size=4))
    kernel, preempt = data.draw(st.sampled_from(KERNELS)), data.draw(st.sampled_from(("none", "voluntary", "full", "rt")))
    cuts = sorted(data.draw(st.lists(st.integers(1, 20_000_000), max_size=8)))

    def world(trace_rows=0):
        costs = {"context_switch": 700, "timer_tick": 333, "irq_entry": 99}
        builder = Builder(1, cpus=2, kernel=kernel, preempt=preempt, costs=costs)
        for number, (nice, run_ns, sleep_ns) in enumerate(given_tasks):
            code = program(builder, (ops.OP_SPEND_NS, run_ns), (ops.OP_SLEEP, sleep_ns), (ops.OP_JUMP, "start"))
            builder.task(f"t{number}", number % 2, code, priority=nice)
        return builder.world(trace_rows)

    whole, cut, traced = world(), world(), world(500)
    for end_ns in (*cuts, 20_000_000):
        cut.run(end_ns)
    whole.run(20_000_000)
    traced.run(20_000_000)
    assert state(whole) == state(cut) == state(traced)
    for cpu in whole.builder.cpus:
        assert sum(int(whole.memory[cpu + f.C_TIMES + part]) for part in range(f.CLASSES)) == 20_000_000


def state(world):
    m, builder = world.memory, world.builder
    found = [int(m[field]) for field in (f.G_EVENTS, f.G_INTERRUPTS, f.G_SWITCH_VOLUNTARY, f.G_SWITCH_BY_INTERRUPT)]
    for cpu in builder.cpus:
        found += [int(m[cpu + f.C_TIMES + part]) for part in range(f.CLASSES)]
    for task in builder.tasks.values():
        found += [int(m[task + field]) for field in (f.K_RUNTIME, f.K_VRUNTIME, f.K_SWITCHES, f.K_STATE)]
    return found


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_laws_hold_where_tasks_compete(kernel):
    builder = Builder(1, cpus=2, kernel=kernel, preempt="full", costs={"context_switch": 900, "irq_entry": 200})
    for number in range(6):
        code = program(builder, (ops.OP_SPEND_NS, 300_000 + number), (ops.OP_SLEEP, 200_000), (ops.OP_JUMP, "start"))
        builder.task(f"t{number}", number % 2, code, priority=number)
    _, table = run(builder, 50_000_000)
    assert not [verdict.law.name for verdict in laws.judge(table, False) if not verdict.holds]
