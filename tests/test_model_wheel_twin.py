"""The timer wheel against a slow one with real buckets, which looks at each jiffy; and what its granularity comes to.

Twin of: wheel.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelprograms import program, times_of
from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.sched.tick import mod_timer, stop_timer
from tophalf.model.table import event_table

pytestmark = pytest.mark.kernels
TIMERS = 6


class Bucketed:
    """kernel/time/timer.c with its arrays: levels of 64 buckets, timers put in front."""

    def __init__(self, hz):
        self.levels = 9 if hz > 100 else 8
        self.buckets = [[[] for _ in range(64)] for _ in range(self.levels)]
        self.clk, self.place, self.asked, self.jiffy, self.ran = 0, {}, {}, 0, []

    def next_expiry(self):
        return min((when for when, _, _ in self.place.values()), default=1 << 60)

    def forward(self):
        if self.jiffy > self.clk:
            self.clk = min(self.jiffy, self.next_expiry())

    def place_of(self, expires):
        """(jiffy, level, bucket) for a timer."""
        delta = expires - self.clk
        if delta < 0:
            return self.clk, 0, self.clk % 64
        granularity = [8**level for level in range(self.levels)]
        if delta >= 63 * granularity[-1]:
            expires = self.clk + 63 * granularity[-1] - granularity[-1]
        level = next((level for level in range(self.levels - 1) if delta < 63 * granularity[level]), self.levels - 1)
        at = expires // granularity[level] + 1
        return at * granularity[level], level, at % 64

    def modify(self, timer, expires):
        pending = timer in self.place
        if pending and self.asked[timer] == expires:
            return 1
        self.forward()
        where = self.place_of(expires)
        if pending and where[1:] == self.place[timer][1:]:
            self.asked[timer] = expires
            return 1
        self.delete(timer)
        self.asked[timer], self.place[timer] = expires, where
        self.buckets[where[1]][where[2]].insert(0, timer)
        return int(pending)

    def delete(self, timer):
        if timer not in self.place:
            return 0
        _, level, bucket = self.place.pop(timer)
        self.buckets[level][bucket].remove(timer)
        return 1

    def wait(self, jiffies):
        for _ in range(jiffies):
            self.jiffy += 1
            while self.next_expiry() <= self.jiffy:
                self.run_next()

    def run_next(self):
        clk = self.clk = self.next_expiry()
        heads = []
        for level in range(self.levels):
            heads.insert(0, self.buckets[level][clk // 8**level % 64])
            if clk % 8 ** (level + 1):
                break
        self.clk += 1
        for head in heads:
            while head:
                timer = head[0]
                self.delete(timer)
                self.ran.append((self.jiffy, timer))


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("start"), st.integers(0, TIMERS - 1), st.one_of(
            st.integers(-2, 5), st.integers(58, 68), st.integers(500, 515), st.integers(0, 1000), st.integers(4000, 4100))),
        st.tuples(st.just("stop"), st.integers(0, TIMERS - 1)),
        st.tuples(st.just("wait"), st.integers(1, 9) | st.integers(1, 700)),
    ), max_size=25,
)  # fmt: skip


def waiting_tasks(builder, count):
    """{pid: number}, and the timer of each of so many tasks that a timer of the wheel wakes."""
    tasks = [
        builder.task("waits", 0, program(builder, (ops.OP_BLOCK, f.SLEEPING), (ops.OP_JUMP, "start")), policy=f.FIFO, priority=1,
                     asleep=True) for _ in range(count)
    ]  # fmt: skip
    for task in tasks:
        builder.hrtimer(task + f.K_TIMER, f.DO_CALL, program(builder, (ops.OP_WAKE, task), (ops.OP_RET,)), wheel=True)
    return {builder.memory[task + f.K_PID]: number for number, task in enumerate(tasks)}, [task + f.K_TIMER for task in tasks]


@settings(max_examples=60)
@given(STEPS, st.sampled_from((100, 250, 1000)), st.integers(0, 999_999))
def test_timers_run_when_and_in_the_order_in_which_buckets_are_emptied(steps, hz, offset_ns):
    builder, slow, jiffy_ns = Builder(1, hz=hz), Bucketed(hz), 10**9 // hz
    numbers, timers = waiting_tasks(builder, TIMERS)
    world = builder.world(5000)
    world.run(offset_ns)
    for what, *given_ in [*steps, ("wait", 600)]:
        if what == "start":
            expires = max(slow.jiffy + given_[1], 0)
            assert mod_timer(world.memory, timers[given_[0]], builder.cpus[0], expires) == slow.modify(given_[0], expires)
        elif what == "stop":
            assert stop_timer(world.memory, timers[given_[0]]) == slow.delete(given_[0])
        else:
            slow.wait(given_[0])
            world.run(world.now_ns + given_[0] * jiffy_ns)
    table = event_table(world)
    woken = table.kind == vocab.SCHED_WAKING
    times, pids = table.time_ns[woken].tolist(), table.a[woken].tolist()
    assert [(time // jiffy_ns, numbers[pid]) for time, pid in zip(times, pids, strict=True)] == slow.ran
    assert not (table.time_ns[woken] % jiffy_ns).any()


@pytest.mark.parametrize("hz, delay, ran", [
    (1000, 5, 6), (1000, 62, 63), (1000, 63, 64), (1000, 65, 72), (1000, 503, 504), (1000, 504, 512), (1000, 1000, 1024),
    (250, 100, 104), (100, 62, 63), (100, 64, 72),
])  # fmt: skip
def test_timers_are_the_coarser_the_farther_away(hz, delay, ran):
    """By hand from the table above calc_wheel_index: level 0 good to a jiffy below 63, level 1 to 8 below 504, level 2 to 64."""
    builder = Builder(1, hz=hz)
    _, (timer,) = waiting_tasks(builder, 1)
    world = builder.world(100)
    mod_timer(world.memory, timer, builder.cpus[0], delay)
    world.run(2 * 10**9)
    assert times_of(event_table(world), vocab.SCHED_WAKING) == [ran * 10**9 // hz]


def test_of_one_jiffy_coarse_timers_run_first_and_of_a_bucket_the_last():
    builder = Builder(1, hz=1000)
    numbers, timers = waiting_tasks(builder, 4)
    world = builder.world(200)
    for number, (when_ms, expires) in enumerate([(0, 70), (1, 71), (20, 71), (30, 71)]):
        world.run(when_ms * 10**6 + 1)
        mod_timer(world.memory, timers[number], builder.cpus[0], expires)
    world.run(10**8)
    table = event_table(world)
    woken = table.kind == vocab.SCHED_WAKING
    assert [numbers[pid] for pid in table.a[woken].tolist()] == [1, 0, 3, 2]
    assert set(table.time_ns[woken].tolist()) == {72_000_000}


def test_a_timer_that_was_never_started_can_be_stopped():
    builder = Builder(1)
    _, (timer,) = waiting_tasks(builder, 1)
    world = builder.world()
    assert stop_timer(world.memory, timer) == 0
    mod_timer(world.memory, timer, builder.cpus[0], 3)
    assert [stop_timer(world.memory, timer), stop_timer(world.memory, timer)] == [1, 0]
    world.run(10**8)
    assert world.memory[f.G_SWITCH_VOLUNTARY] == 0
