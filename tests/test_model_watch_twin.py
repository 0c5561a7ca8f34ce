"""What watches over drivers against slow programs: lockups by timelines, hung tasks by looks, answers by a list of assertions.

Twin of: watch, watchdog, watchlines, watchruns, rcustall. Interrupts and switches cost nothing here: times are what is said.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelprograms import program
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.check import watchfields as w
from tophalf.model.check.reports import cases
from tophalf.model.check.watchlines import handler_begins, handler_ends, judge_answer, progress
from tophalf.model.check.watchruns import STREAK_MAX, STREAK_NS, execute_run, run_begins
from tophalf.model.code import codefields as k
from tophalf.model.code import codeops as c
from tophalf.model.code.buildcode import begin_code
from tophalf.model.code.buildhardware import add_registers
from tophalf.model.irq.builddevices import add_device
from tophalf.model.irq.device import acknowledge, trigger
from tophalf.model.softirq import backgroundfields as g
from tophalf.model.softirq.buildbackground import begin_background
from tophalf.model.softirq.vectorops import OP_CALL_RCU

pytestmark = pytest.mark.kernels
S = 10**9


def watched(cpus=1, **how):
    builder = Builder(cpus=cpus, **how)
    begin_code(builder)
    return builder


def sleep(ns):
    return [(c.CODE_SET, 0, ns), (c.CODE_SLEEP, 0, 1)]


def found(world):
    """{(kind, place): (time of the first, how often, about)}."""
    return {(case.kind, case.place): (case.time_ns, case.count, case.about) for case in cases(world)}


# Lockups

SPANS = {
    "busy": lambda ns: [(ops.OP_SPEND_NS, ns)],
    "off": lambda ns: [(ops.OP_IRQS_OFF,), (ops.OP_SPEND_NS, ns), (ops.OP_IRQS_ON,)],
    "sleep": sleep,
    "resched": lambda ns: [(ops.OP_SPEND_NS, ns), (ops.OP_COND_RESCHED,)],
}


class SlowCpu:
    """One CPU and its kthread: [(kind, ns)]. Interrupts are taken where they are on; the stopper runs where the task lets it."""

    def __init__(self, plan, end_ns, fully):
        self.fully, self.end_ns, self.at = fully, end_ns, 0
        self.touch = self.period = self.count = self.saved = 0
        self.due, self.wants, self.nmi, self.warned = 4 * S, False, 10 * S, False
        self.soft, self.hard = [], []
        for kind, ns in plan:
            self.span(kind, min(self.at + ns, end_ns))
            if kind == "resched":
                self.stopper(self.at)
        self.span("sleep", end_ns)

    def stopper(self, now):
        if self.wants:
            self.wants, self.touch, self.period = False, now >> 30, now >> 30

    def span(self, kind, end):
        if kind == "sleep":
            self.stopper(self.at)
        while min(self.due, self.nmi) < end:
            if self.nmi <= self.due or kind == "off":
                if self.nmi >= end:
                    break
                self.look(kind != "sleep")
            else:
                self.hrtimer(self.due, kind)
        if kind == "off" and self.due < end < self.end_ns:
            self.hrtimer(end, "busy")
        self.at = end

    def look(self, is_busy):
        if is_busy:
            stuck = self.saved == self.count
            self.hard += [self.nmi] if stuck and not self.warned else []
            self.warned, self.saved = stuck, self.count
        self.nmi += 10 * S

    def hrtimer(self, now, kind):
        self.count += 1
        self.wants = True
        stamp = now >> 30
        if stamp > self.period + 20:
            self.period = stamp
            self.soft.append((now, stamp - self.touch))
        if kind == "sleep" or self.fully:
            self.stopper(now)
        self.due = (now // (4 * S) + 1) * 4 * S


spans_ = st.tuples(st.sampled_from(sorted(SPANS)), st.integers(1, 60).map(lambda seconds: seconds * S // 2))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(spans_, max_size=6), min_size=1, max_size=2), st.sampled_from(["none", "voluntary", "full"]))
def test_lockups_are_said_at_the_kernels_times(plans, preempt):
    end_ns = 120 * S
    plans = [[(kind, ns + 1001 + 10 * number) for kind, ns in plan] for number, plan in enumerate(plans)]  # no two at one moment
    builder = watched(len(plans), hz=100, preempt=preempt)
    tasks = []
    for cpu, plan in enumerate(plans):
        body = [line for kind, ns in plan for line in SPANS[kind](ns)]
        tasks.append(builder.task(f"task{cpu}", cpu, program(builder, *body, (ops.OP_EXIT,)), kernel_thread=True))
    world = builder.world()
    world.run(end_ns)
    expected = {}
    for task, plan in zip(tasks, plans, strict=True):
        slow = SlowCpu(plan, end_ns, preempt == "full")
        if slow.soft:
            expected[w.SOFT_LOCKUP, task] = slow.soft[0][0], len(slow.soft), slow.soft[0][1]
        if slow.hard:
            expected[w.HARD_LOCKUP, task] = slow.hard[0], len(slow.hard), tasks.index(task)
    assert found(world) == expected


def test_slices_change_nothing_and_an_idle_machine_is_not_stuck():
    worlds = []
    for step in (100 * S, S // 3):
        builder = watched(2)
        builder.task("task", 1, program(builder, (ops.OP_SPEND_NS, 70 * S), (ops.OP_EXIT,)), kernel_thread=True)
        worlds.append(builder.world())
        while worlds[-1].now_ns < 100 * S:
            worlds[-1].run(min(worlds[-1].now_ns + step, 100 * S))
    assert found(worlds[0]) == found(worlds[1]) and len(found(worlds[0])) == 1
    idle = watched(2).world()
    idle.run(500 * S)
    assert found(idle) == {}


def test_a_world_without_drivers_has_no_watch():
    builder = Builder()
    builder.task("task", 0, program(builder, (ops.OP_SPEND_NS, 50 * S), (ops.OP_EXIT,)), kernel_thread=True)
    tasks = len(builder.tasks)
    world = builder.world()
    world.run(60 * S)
    assert builder.watch == 0 and len(builder.tasks) == tasks and cases(world) == []


# Hung tasks


def slow_hung(sleeps, end_s):
    """(time, how often, about) of a task that only sleeps, each s; None: never said."""
    ends, at, saved, since, said = [], 0, 0, 0, []
    for span in sleeps:
        at += span
        ends.append(at)
    for look in range(120, end_s, 120):
        number = next((number for number, end in enumerate(ends, 1) if look <= end), None)  # ends are a nanosecond later
        if number is None:
            break
        if number != saved:
            saved, since = number, look
        elif look >= since + 120:
            said.append((look, look - since))
    return (said[0][0] * S, len(said), said[0][1]) if said else None


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.integers(1, 700).filter(lambda span: span % 120), min_size=1, max_size=4), min_size=1, max_size=3))
def test_tasks_that_sleep_too_long_are_said_at_khungtaskds_looks(plans):
    builder = watched(1, hz=100)
    tasks = []
    for number, plan in enumerate(plans):
        body = [line for span in plan for line in sleep(span * S + 1)]
        tasks.append(builder.task(f"task{number}", 0, program(builder, *body, (ops.OP_EXIT,)), kernel_thread=True))
    world = builder.world()
    world.run(1500 * S)
    slow = {task: slow_hung(plan, 1500) for task, plan in zip(tasks, plans, strict=True)}
    assert found(world) == {(w.HUNG_TASK, task): said for task, said in slow.items() if said}


# RCU


@pytest.mark.parametrize("hz", [100, 250, 1000])
@pytest.mark.parametrize("irqs_off", [False, True])
def test_a_stalled_grace_period_is_said_by_who_can(hz, irqs_off):
    """At the first tick after 21 s by the CPU itself; with interrupts off, or its tick stopped, by another two jiffies later."""
    builder, tick = watched(2, hz=hz), S // hz
    begin_background(builder, rcu_core=builder.cost(500, "rcu_core"))
    off = [(ops.OP_IRQS_OFF,)] if irqs_off else []
    stuck = builder.task("stuck", 0, program(builder, (ops.OP_SPEND_NS, 3 * tick), *off, (ops.OP_SPEND_NS, 30 * S), (ops.OP_EXIT,)),
                         kernel_thread=True)  # fmt: skip
    caller = program(builder, (OP_CALL_RCU, 3), (ops.OP_SPEND_NS, 20_000), *sleep(10_000_000), (ops.OP_JUMP, "start"))
    builder.task("caller", 1, caller, kernel_thread=True)
    world = builder.world()
    world.run(20 * S)
    since = int(world.memory[world.memory[f.G_BLOCK] + g.BG_GP_SINCE])
    assert since * tick < S and not [case for case in cases(world) if "stall" in str(case.kind)]
    world.run(25 * S)
    (case,) = [case for case in cases(world) if case.kind in (w.RCU_STALL, w.RCU_STALL_ELSEWHERE)]
    assert (case.cpu, case.place, case.count) == (0, stuck, 1)
    jiffies = since + 21 * hz + (2 if irqs_off else 0)
    assert (case.kind == w.RCU_STALL_ELSEWHERE) == irqs_off
    assert jiffies * tick <= case.time_ns < (jiffies + 2) * tick and case.about == case.time_ns // tick - since


# Answers of handlers


class SlowDevice:
    """A device on a shared level line: assertions have numbers, None: it wants nothing."""

    def __init__(self):
        self.number, self.current, self.at_begin, self.new_since_end = 0, None, None, False
        self.held, self.held_of, self.none, self.claims = 0, None, 0, 0

    def fire(self):
        self.new_since_end = self.fired_inside = True
        if self.current is None:
            self.number += 1
            self.current = self.number

    def begin(self):
        self.at_begin = self.current
        self.is_anothers = self.current is None and not self.new_since_end
        self.fired_inside = False

    def end(self, answer):
        same = self.at_begin is not None and self.current == self.at_begin
        if answer == f.IRQ_NONE:
            self.none += same
        elif same:
            self.held = self.held + 1 if self.held_of == self.current else 1
            self.held_of = self.current
        elif self.is_anothers and not self.fired_inside:
            self.claims += 1
        self.new_since_end = self.current is not None  # what is still there may be let go of before the next time


steps_ = st.sampled_from(["fire", "fire", "ack", "run"])
runs_ = st.tuples(st.lists(st.sampled_from(["fire", "ack"]), max_size=2), st.sampled_from([0, 1, 2, 3]))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(steps_, runs_), max_size=40))
def test_answers_are_judged_by_what_the_device_wanted(steps):
    builder = watched()
    line = builder.irq(24, flow=f.FLOW_LEVEL)
    device, row = add_device(builder, "dev", line, True), builder.memory.take(w.HANDLER_ROW)
    builder.memory[row + w.HW_DEVICE], builder.memory[row + w.HW_LINE], builder.memory[row + w.HW_HELD_OF] = device, line, -1
    for _ in range(2):
        builder.action(line, "dev", program(builder, (ops.OP_RET, f.IRQ_NONE)))
    world, slow = builder.world(), SlowDevice()
    m, cpu = world.memory, builder.cpus[0]

    def step(what):
        if what == "fire":
            trigger(m, device)
            slow.fire()
        else:
            acknowledge(m, device)
            slow.current = None

    for what, (inside, answer) in steps:
        if what != "run":
            step(what)
            continue
        handler_begins(m, row)
        slow.begin()
        for each in inside:
            step(each)
        judge_answer(m, cpu, row, device, answer, 4)
        slow.end(answer)
    assert (m[row + w.HW_NONE], m[row + w.HW_HELD]) == (slow.none, slow.held)
    assert sum(case.count for case in cases(world) if case.kind == w.CLAIMS_OTHERS) == slow.claims


# Runs that come from runs


class SlowRuns:
    """What ran of two, each (length, first, done) of its streak when it began last; done: what its device has got rid of by then,
    but for what handlers did. `queued`: what the next run of each goes on from, as it was then."""

    def __init__(self):
        self.streaks, self.queued, self.said = [(0, 0, 0), (0, 0, 0)], [None, None], 0

    def queue(self, which, within):
        self.queued[which] = self.streaks[within]

    def run(self, which, at, done):
        length, first, before = self.queued[which] or (0, at, None)
        self.queued[which] = None
        length, first = (length + 1, first) if before == done else (0, at)
        if length == STREAK_MAX or length > 1 and at - first >= STREAK_NS:
            self.said, length, first = self.said + 1, 0, at
        self.streaks[which] = length, first, done


runs_of_two = st.tuples(st.integers(1, 600), st.sampled_from([0, 1]), st.sampled_from([0, 1] * 6 + [None]),
                        st.sampled_from(["nothing"] * 5 + ["consumed", "answered"]))  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(runs_of_two, max_size=60), st.booleans())
def test_streaks_of_runs_are_counted_until_one_comes_from_elsewhere_or_gets_on(plan, is_fast):
    """ms or, where it is fast, each 300 times and us; None: an interrupt queues it."""
    builder = watched()
    registers = add_registers(builder, add_device(builder, "dev", builder.irq(24, flow=f.FLOW_LEVEL), True), 1)
    rows = [builder.memory.take(w.RUN_ROW) for _ in range(2)]
    for row in rows:
        builder.memory[row + w.RW_REGISTERS] = registers
    world, slow, at, done = builder.world(), SlowRuns(), 0, 0
    m, cpu = world.memory, builder.cpus[0]
    frame = m[cpu + f.C_FRAME]
    for gap, which, within, what in plan:
        for _ in range(300 if is_fast and what != "consumed" else 1):
            at += gap * (1000 if is_fast else 1_000_000)
            if within is not None:
                m[frame + f.F_R4] = -rows[within]
                execute_run(m, cpu, frame, w.CODE_AGAIN, rows[which], 0)
                slow.queue(which, within)
            m[registers + k.R_GONE] += what != "nothing"
            m[registers + k.R_ANSWERED] += what == "answered"
            done += what == "consumed"
            m[f.G_NOW] = at
            run_begins(m, cpu, frame, rows[which])
            slow.run(which, at, done)
    assert sum(case.count for case in cases(world)) == slow.said


def test_the_ten_thousandth_run_of_two_that_queue_each_other_is_said_and_none_that_interrupts_queue():
    builder = watched()
    one, other = (builder.memory.take(w.RUN_ROW) for _ in range(2))
    world, said = builder.world(), []
    m, cpu = world.memory, builder.cpus[0]
    frame = m[cpu + f.C_FRAME]
    for is_ring in (False, True):
        for number in range(STREAK_MAX // 2 + 1):
            if number and is_ring:
                m[frame + f.F_R4] = -other
                execute_run(m, cpu, frame, w.CODE_AGAIN, one, 0)
            run_begins(m, cpu, frame, one)
            m[frame + f.F_R4] = -one
            execute_run(m, cpu, frame, w.CODE_AGAIN, other, 0)
            if number < STREAK_MAX // 2:
                run_begins(m, cpu, frame, other)
        said.append(sum(case.count for case in cases(world)))
    assert said == [0, 1]


def test_of_a_device_that_an_interrupt_only_answers_a_tasklet_makes_no_progress():
    """A handler's letting go is its own (R_ANSWERED)."""
    builder = watched()
    line = builder.irq(24, flow=f.FLOW_LEVEL)
    device, row = add_device(builder, "dev", line, True), builder.memory.take(w.HANDLER_ROW)
    registers = builder.memory[row + w.HW_REGISTERS] = add_registers(builder, device, 1)
    builder.memory[row + w.HW_DEVICE], builder.memory[row + w.HW_LINE] = device, line
    builder.action(line, "dev", program(builder, (ops.OP_RET, f.IRQ_NONE)))
    m = builder.world().memory
    trigger(m, device)
    handler_begins(m, row)
    acknowledge(m, device)
    m[registers + k.R_GONE] += 1
    handler_ends(m, row)
    assert m[registers + k.R_ANSWERED] == progress(m, registers) == 2
