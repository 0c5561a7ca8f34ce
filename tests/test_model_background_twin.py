"""The softirqs SCHED and RCU: exact times, and slow twins of when they are raised.

Twin of: loadbalance, rcu.
"""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelprograms import busy, program, run, times_of
from tophalf import vocab
from tophalf.errors import TophalfError
from tophalf.judge import laws
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.machine.take import take_snapshot
from tophalf.model.simulate import simulate
from tophalf.model.softirq import backgroundfields as g
from tophalf.model.softirq import vectorops
from tophalf.model.softirq.buildbackground import begin_background, row
from tophalf.scenario.load import read_scenario

MS = 1_000_000


def machine(cpus=2, hz=1000, balance=None, rcu=None, callback=0, **how):
    builder = Builder(1, cpus=cpus, hz=hz, **how)
    costs = {"load_balance": balance, "rcu_core": rcu, "rcu_callback": callback}
    begin_background(builder, **{name: builder.cost(ns, name) for name, ns in costs.items() if ns is not None})
    return builder


def balances(cpus, hz, until):
    """Jiffies at which a CPU that is always busy runs SCHED, and those at which it balances."""
    raised, balanced, next_, last, interval_ms = [], [], 0, 0, cpus
    for jiffy in range(1, until):
        if jiffy < next_ or cpus == 1:
            continue
        raised.append(jiffy)

        def interval(ms):
            return min(max(math.ceil(ms * 16 * hz / 1000) - 1, 1), hz * cpus // 10)

        if jiffy >= last + interval(interval_ms):
            balanced.append(jiffy)
            last, interval_ms = jiffy, min(2 * interval_ms, 2 * cpus)
        next_ = last + interval(interval_ms)
    return raised, balanced


@settings(max_examples=15)
@given(st.integers(1, 5), st.sampled_from((100, 250, 1000)))
def test_a_busy_cpu_balances_when_the_twin_says(cpus, hz):
    builder = machine(cpus, hz, balance=0)
    busy(builder)
    world, table = run(builder, 10**9 // hz * 300, trace_rows=3000)
    raised, balanced = balances(cpus, hz, 300)
    assert times_of(table, vocab.SOFTIRQ_RAISE, cpu=0, a=vocab.SCHED) == [jiffy * 10**9 // hz for jiffy in raised]
    assert world.memory[row(builder, 0) + g.BP_BALANCES] == len(balanced)


def test_two_cpus_at_hz_1000():
    """By hand: 2 ms times 16 less a jiffy is 31. Raised at the first tick, too early to balance; at 31; then each 4 * 16 - 1."""
    builder = machine(2, balance=500)
    busy(builder)
    _, table = run(builder, 170 * MS)
    assert times_of(table, vocab.SOFTIRQ_ENTRY, a=vocab.SCHED) == [1 * MS, 31 * MS, 94 * MS, 157 * MS]
    assert times_of(table, vocab.SOFTIRQ_EXIT, a=vocab.SCHED) == [1 * MS, 31 * MS + 500, 94 * MS + 500, 157 * MS + 500]


def calling(builder, cpu=0, count=1, at_ns=300_000, after=()):
    return builder.task("caller", cpu, program(
        builder, (ops.OP_SPEND_NS, at_ns), (vectorops.OP_CALL_RCU, count), *after, (ops.OP_EXIT,)))  # fmt: skip


def counts(world, builder, cpu=0):
    at = row(builder, cpu)
    return tuple(int(world.memory[at + field]) for field in (g.BP_QUEUED, g.BP_INVOKED, g.BP_NEXT, g.BP_WAIT, g.BP_DONE))


def test_a_callback_on_one_cpu_that_computes_in_user_mode():
    """HZ 1000, queued at 0.3 ms. Tick 1: callbacks and no grace period: RCU begins one. Tick 2 finds user mode: RCU reports it,
    which ends it, and invokes the callback: rcu_core 1000 ns, the callback 200."""
    builder = machine(1, rcu=1000, callback=200)
    calling(builder, after=[(ops.OP_SPEND_NS, 20 * MS)])
    world, table = run(builder, 10 * MS)
    assert times_of(table, vocab.SOFTIRQ_ENTRY, a=vocab.RCU) == [1 * MS, 2 * MS]
    assert times_of(table, vocab.SOFTIRQ_EXIT, a=vocab.RCU) == [1 * MS + 1000, 2 * MS + 1200]
    assert counts(world, builder) == (1, 1, 0, 0, 0)
    assert not [verdict.law.name for verdict in laws.judge(table, False) if not verdict.holds]


def test_a_cpu_in_the_kernel_keeps_all_callbacks_waiting():
    """CPU 1 is in a system call for 7 ms: no quiescent state. It is seen in user mode at 8 ms; CPU 0 invokes at a tick then."""
    builder = machine(2, rcu=0)
    calling(builder, after=[(ops.OP_SPEND_NS, 30 * MS)])
    builder.task("kernel", 1, program(
        builder, (ops.OP_SYSCALL, "inside"), (ops.OP_SPEND_NS, 30 * MS), (ops.OP_EXIT,), "inside", (ops.OP_SPEND_NS, 7_500_000),
        (ops.OP_RET,)))  # fmt: skip
    world, table = run(builder, 15 * MS)
    assert counts(world, builder) == (1, 1, 0, 0, 0)
    # CPU 0: begins at 1, reports at 2; CPU 1 notices at 1 or 2 (its tick comes after), reports at 8
    assert times_of(table, vocab.SOFTIRQ_ENTRY, cpu=0, a=vocab.RCU)[:2] == [1 * MS, 2 * MS]
    assert times_of(table, vocab.SOFTIRQ_ENTRY, cpu=1, a=vocab.RCU)[-1] == 8 * MS
    assert times_of(table, vocab.SOFTIRQ_ENTRY, cpu=0, a=vocab.RCU)[-1] in (8 * MS, 9 * MS)


def test_an_idle_cpu_is_waited_for_a_few_jiffies_and_one_with_callbacks_keeps_its_tick():
    builder = machine(2, rcu=0)
    calling(builder)  # then CPU 0 is idle, with a callback
    world, table = run(builder, 15 * MS)
    assert counts(world, builder) == (1, 1, 0, 0, 0)
    ran = times_of(table, vocab.SOFTIRQ_ENTRY, cpu=0, a=vocab.RCU)
    assert ran[0] == MS and ran[-1] == 4 * MS  # begun at 1; after three jiffies nobody waits for idle CPUs
    assert times_of(table, vocab.VECTOR_ENTRY, cpu=0)[-1] <= 5 * MS  # the tick stops when nothing is left


@pytest.mark.parametrize("count, batches", [(10, [10]), (25, [10, 10, 5]), (2000, [15, 15])])
def test_callbacks_are_invoked_in_batches(count, batches):
    builder = machine(1, rcu=0, callback=100)
    calling(builder, count=count, after=[(ops.OP_SPEND_NS, 50 * MS)])
    _, table = run(builder, 10 * MS)
    entries, exits = (times_of(table, kind, a=vocab.RCU) for kind in (vocab.SOFTIRQ_ENTRY, vocab.SOFTIRQ_EXIT))
    took = [(end - begin) // 100 for begin, end in zip(entries, exits, strict=True) if end > begin]
    assert took[: len(batches)] == batches


class Grace:
    """One CPU in user mode all the time: what its ticks do to callbacks that are queued at some jiffies, in plain words."""

    def __init__(self, queued):
        self.queued, self.next, self.wait, self.done = queued, 0, 0, 0
        self.on, self.raised, self.invoked = False, [], []

    def tick(self, jiffy):
        self.next += self.queued.get(jiffy - 1, 0)
        if not (self.on or self.next or self.wait or self.done):
            return
        self.raised.append(jiffy)
        while True:
            if self.on:  # the tick that raised this found user mode
                self.on, self.done, self.wait = False, self.done + self.wait, 0
            if self.next and not self.on:
                self.on, self.wait, self.next = True, self.next, 0
                began = True
            else:
                began = False
            batch = min(self.done, max(10, self.done // 128))
            self.done -= batch
            self.invoked += [jiffy] * batch
            if not self.done:
                return
            self.raised.append(jiffy)
            if began or self.on:  # begun in this tick's run: nothing is quiescent before the next tick
                self.drain(jiffy)
                return

    def drain(self, jiffy):
        while self.done:
            batch = min(self.done, max(10, self.done // 128))
            self.done -= batch
            self.invoked += [jiffy] * batch
            if self.done:
                self.raised.append(jiffy)


@settings(max_examples=40)
@given(st.dictionaries(st.integers(0, 20), st.integers(1, 60), max_size=6))
def test_one_cpu_in_user_mode_invokes_what_the_twin_says(queued):
    builder, twin = machine(1, rcu=0), Grace(queued)
    steps, at = [], 0
    for jiffy in sorted(queued):
        steps += [(ops.OP_SPEND_NS, jiffy * MS + MS // 2 - at), (vectorops.OP_CALL_RCU, queued[jiffy])]
        at = jiffy * MS + MS // 2
    builder.task("caller", 0, program(builder, *steps, (ops.OP_SPEND_NS, 100 * MS), (ops.OP_EXIT,)))
    for jiffy in range(1, 40):
        twin.tick(jiffy)
    world, table = run(builder, 40 * MS - 1)
    assert times_of(table, vocab.SOFTIRQ_RAISE, a=vocab.RCU) == [jiffy * MS for jiffy in twin.raised]
    assert counts(world, builder) == (sum(queued.values()), len(twin.invoked), twin.next, twin.wait, twin.done)
    assert int(world.memory[builder.cpus[0] + f.C_SOFTIRQS + vocab.RCU]) == len(twin.raised)


# Scenarios

TOML = """
[machine]
cpus = 2
hz = 1000
[softirqs]
load_balance = "3us"
rcu_core = "1us"
[[task]]
run = "100us"
call_rcu = 5
sleep = "50us"
"""


def test_a_scenario_with_both():
    run_ = simulate(read_scenario(TOML, "softirqs.toml"), seconds=0.2)
    rows = take_snapshot(run_.world).softirqs.rows
    assert min(rows["SCHED"]) >= 3 and min(rows["RCU"]) > 50
    queued, invoked, *waiting = counts(run_.world, run_.world.builder)
    assert queued == invoked + sum(waiting) and invoked > 3000


def test_without_a_word_nothing_of_it_runs():
    rows = take_snapshot(simulate("syscalls-and-faults", seconds=0.02).world).softirqs.rows
    assert sum(rows["SCHED"]) == sum(rows["RCU"]) == 0


def test_callbacks_need_somebody_who_invokes_them():
    with pytest.raises(TophalfError, match="nobody invokes"):
        simulate(read_scenario("[[task]]\ncall_rcu = 1\n", "softirqs.toml"), seconds=0.001)
