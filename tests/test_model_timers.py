"""Timers of drivers: programs that start, move and delete them, against times worked out by hand and a slow twin.

Twin of: timers.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelprograms import program, run, times_of
from test_model_wheel_twin import Bucketed
from tophalf import vocab
from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.simulate import simulate
from tophalf.model.timer import timerops as o
from tophalf.model.timer.buildtimers import add_sampler, add_timer, set_function
from tophalf.scenario.load import read_scenario

MS = 1_000_000


def marker(builder):
    """The program step that wakes a task of its own, which a trace shows by its pid: (instruction, pid)."""
    task = builder.task("mark", 0, program(builder, (ops.OP_BLOCK, f.SLEEPING), (ops.OP_JUMP, "start")), policy=f.FIFO, priority=90,
                        asleep=True)  # fmt: skip
    return (ops.OP_WAKE, task), builder.memory[task + f.K_PID]


@pytest.mark.parametrize("kind, expected", [
    # the wheel: asked for at jiffy 3 (HZ 1000), so at 4; runs 1 µs; then jiffy 4 and 3 more: at 8
    ("wheel", [4 * MS, 8 * MS, 12 * MS, 16 * MS]), ("hrtimer", [3 * MS, 6 * MS, 9 * MS, 12 * MS, 15 * MS, 18 * MS]),
    ("soft", [3 * MS, 6 * MS, 9 * MS, 12 * MS, 15 * MS, 18 * MS]),
])  # fmt: skip
def test_when_a_sampler_comes(kind, expected):
    builder = Builder(1, hz=1000)
    mark, pid = marker(builder)
    timer = add_sampler(builder, "sampler", kind, 0, 3 * MS, builder.cost(1000, "function"))
    function = program(builder, mark, (ops.OP_CALL, builder.memory[timer + f.H_ARG], timer), (ops.OP_RET,))
    set_function(builder, timer, function)
    _, table = run(builder, 20 * MS)
    assert times_of(table, vocab.SCHED_WAKING, a=pid) == expected


def test_a_function_that_takes_longer_than_its_period_skips_times():
    """Every 2 ms, 5 ms each: from 2 to 7, then 8 is the first time that is not over: to 13, then 14."""
    builder = Builder(1, hz=100)
    timer = add_sampler(builder, "slow", "hrtimer", 0, 2 * MS, builder.cost(5 * MS, "function"))
    world, table = run(builder, 16 * MS)
    assert times_of(table, vocab.VECTOR_ENTRY)[:1] == [2 * MS]
    assert world.memory[timer + f.T_TIME] == 14 * MS


def test_delete_sync_waits_for_the_function_on_another_cpu():
    """The function runs from 2 ms for 1 ms on CPU 0; at 2.30005 ms CPU 1 deletes the timer, and goes on at 3 ms."""
    builder = Builder(1, cpus=2, hz=1000)
    mark, pid = marker(builder)
    timer = add_sampler(builder, "long", "wheel", 0, MS, builder.cost(MS, "function"))
    builder.task("ends", 1, program(builder, (ops.OP_SPEND_NS, 2_300_050), (o.OP_TIMER_DELETE_SYNC, timer), mark, (ops.OP_EXIT,)))
    world, table = run(builder, 30 * MS)
    assert times_of(table, vocab.SCHED_WAKING, a=pid) == [3 * MS + 50]  # it looks every 100 ns
    assert world.memory[timer + f.H_CPU] == 0
    assert world.memory[builder.cpus[1] + f.C_TIMES + f.TASK] == 3 * MS + 50


def test_a_timer_that_another_cpu_moves_while_it_runs_stays_where_it_is():
    builder = Builder(1, cpus=2, hz=1000)
    timer = add_timer(builder, "moved", "wheel", 0, 1)
    set_function(builder, timer, program(builder, (ops.OP_SPEND_NS, 500_000), (ops.OP_RET,)))
    move = [(ops.OP_SPEND_NS, 1_200_000), (o.OP_MOD_TIMER, timer, 2), (ops.OP_SPEND_NS, 1_000_000), (o.OP_MOD_TIMER, timer, 2)]
    builder.task("moves", 1, program(builder, *move, (ops.OP_EXIT,)))
    _, table = run(builder, 10 * MS)
    # the first time its function runs on CPU 0; the second time nothing runs: the timer comes to CPU 1
    assert times_of(table, vocab.SOFTIRQ_ENTRY, cpu=0, a=vocab.TIMER) == [MS]
    assert times_of(table, vocab.SOFTIRQ_ENTRY, cpu=1, a=vocab.TIMER) == [5 * MS]


# A program's steps against the wheel with buckets

STEPS = st.lists(
    st.tuples(st.just("mod"), st.integers(0, 2), st.integers(0, 4) | st.integers(60, 80))
    | st.tuples(st.just("delete"), st.integers(0, 2)) | st.tuples(st.just("sync"), st.integers(0, 2))
    | st.tuples(st.just("sleep"), st.integers(1, 5) | st.integers(1, 90)), min_size=1, max_size=14,
)  # fmt: skip


@settings(max_examples=50)
@given(STEPS)
def test_what_a_program_does_to_its_timers(steps):
    """HZ 1000; the program goes on in the middle of a jiffy. What deleted or moved a timer that was pending is told by a marker."""
    builder, slow, expected = Builder(1, hz=1000), Bucketed(1000), []
    was_pending, pending_pid = marker(builder)
    timers, pids = [], []
    for number in range(3):
        ran, pid = marker(builder)
        timers.append(add_timer(builder, f"timer{number}"))
        pids.append(pid)
        set_function(builder, timers[number], program(builder, ran, (ops.OP_RET,)))
    code = [(ops.OP_SLEEP, MS // 2)]
    for at, (what, *given_) in enumerate([*steps, ("sleep", 100)]):
        if what == "sleep":
            code.append((ops.OP_SLEEP, given_[0] * MS))
            before = len(slow.ran)
            slow.wait(given_[0])
            expected += [(jiffy * MS, pids[timer]) for jiffy, timer in slow.ran[before:]]
            continue
        op = {"mod": o.OP_MOD_TIMER, "delete": o.OP_TIMER_DELETE, "sync": o.OP_TIMER_DELETE_SYNC}[what]
        code += [(op, timers[given_[0]], *given_[1:]), (ops.OP_JUMP_ZERO, f.F_R0, f"not {at}"), was_pending, f"not {at}"]
        found = slow.modify(given_[0], slow.jiffy + given_[1]) if what == "mod" else slow.delete(given_[0])
        if found:
            expected.append((slow.jiffy * MS + MS // 2, pending_pid))
    task = builder.task("program", 0, program(builder, *code, (ops.OP_EXIT,)), policy=f.FIFO, priority=1)
    _, table = run(builder, 2000 * MS)
    woken = (table.kind == vocab.SCHED_WAKING) & (table.a != builder.memory[task + f.K_PID])
    assert list(zip(table.time_ns[woken].tolist(), table.a[woken].tolist(), strict=True)) == expected


# Scenarios


def test_scenarios_have_samplers():
    toml = '[machine]\ncpus = 2\nhz = 1000\n' + "".join(
        f'[[timer]]\nname = "{kind}"\nkind = "{kind}"\nperiod = "10ms"\ncpus = "0-1"\n' for kind in ("wheel", "hrtimer", "soft")
    )
    found = simulate(read_scenario(toml, "timers.toml"), seconds=0.2).as_dict()["timers"]
    kinds = ("wheel", "hrtimer", "soft")
    assert [(timer["name"], timer["cpu"]) for timer in found] == [(kind, cpu) for kind in kinds for cpu in (0, 1)]
    assert [timer["runs"] for timer in found] == [18, 18, 19, 19, 19, 19]  # the wheel's come every 11 ms: 10 jiffies must be over
    late = {timer["name"]: timer["late_ns"]["max"] for timer in found}
    assert late["hrtimer"] < late["soft"] < MS <= late["wheel"]


def test_what_no_timer_can_be():
    with pytest.raises(TophalfError, match="no period"):
        simulate(read_scenario('[[timer]]\nperiod = "10ns"', "timers.toml"), seconds=0.001)
