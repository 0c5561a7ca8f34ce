"""Random well-formed runs of a few CPUs against a twin that knows what it did; arbitrary rows against nothing but sense."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from timelines import Timeline
from tophalf import compiled, vocab
from tophalf.judge.times.spans import SPAN_KINDS, find_spans
from tophalf.judge.times.timing import time_events

pytestmark = pytest.mark.kernels

HARD, SOFT = vocab.FLAG_HARDIRQ, vocab.FLAG_SOFTIRQ


class Node:
    """A span as the twin keeps it: a tree, whose own time is its length without its children and its absences."""

    def __init__(self, row, start_ns, parent, wait_ns=-1):
        self.row, self.start_ns, self.parent, self.wait_ns = row, start_ns, parent, wait_ns
        self.children, self.away_ns, self.end_ns = [], 0, None
        if parent:
            parent.children.append(self)

    @property
    def wall_ns(self):
        return self.end_ns - self.start_ns

    @property
    def own_ns(self):
        return self.wall_ns - self.away_ns - sum(child.wall_ns for child in self.children)


class Cpu:
    """One CPU living at random: a generator that yields after each row it adds."""

    def __init__(self, number, machine):
        self.number, self.machine, self.random = number, machine, machine.random
        self.pid, self.pending = 0, {}
        self.workers = {1000 * (number + 1) + n: None for n in range(2)}  # pid: the work it is at, (node, address)
        self.left_ns = {}

    def add(self, kind, a=0, **more):
        return self.machine.line.add(self.machine.now(), self.number, kind, a, pid=self.pid, **more)

    def live(self):
        yield from self.switch(0)
        while True:
            yield from self.random.choice((self.interrupt, self.interrupt, self.work, self.leave))()

    def leave(self):
        """The task on this CPU gives way to another."""
        yield from self.switch(self.random.choice([0, 7, *self.workers]))

    def switch(self, pid):
        if self.pid in self.workers:
            self.left_ns[self.pid] = None
        before = self.pid
        row = self.machine.line.switch(self.machine.now(), self.number, before, pid)
        self.pid = pid
        if before != pid:
            self.left_ns[before] = self.machine.time_of(row)
            self.come_back(pid, row)
        yield

    def come_back(self, pid, row):
        held = self.workers.get(pid)
        if held and self.left_ns.get(pid) is not None:
            held[0].away_ns += self.machine.time_of(row) - self.left_ns[pid]

    def base(self):
        """The span that an interrupt interrupts: the work item of the task, if it is at one."""
        held = self.workers.get(self.pid)
        return held[0] if held else None

    def work(self):
        """A worker starts a queued item, or ends the one it is at."""
        if self.pid not in self.workers:
            return
        held = self.workers[self.pid]
        if held:
            held[0].end_ns = self.machine.time_of(self.add(vocab.WORKQUEUE_EXECUTE_END, held[1], b=7))
            self.workers[self.pid] = None
            yield
            return
        address = self.random.randrange(1, 5) * 64 + self.pid * 4096
        queued = self.random.random() < 0.8 and self.add(vocab.WORKQUEUE_QUEUE_WORK, address, b=7, name="events")
        yield
        row = self.add(vocab.WORKQUEUE_EXECUTE_START, address, b=7)
        now = self.machine.time_of(row)
        node = Node(row, now, None, now - self.machine.time_of(queued) if queued is not False else -1)
        self.workers[self.pid] = (node, address)
        self.machine.nodes.append(node)
        yield

    def interrupt(self):
        """A hardirq with one or two actions, some raises, then the softirqs that are pending."""
        yield from self.hardirq(self.base(), HARD)
        first = True
        while self.pending:
            taken, self.pending = self.pending, {}
            if first and self.random.random() < 0.2:
                # Between the snapshot and the first entry: what is raised belongs to the next pass. When a pass follows
                # another at once, the trace cannot tell this from a raise before the snapshot.
                yield from self.hardirq(self.base(), HARD | SOFT)
            yield from self.softirq_pass(taken)
            if self.random.random() < 0.5:
                yield from self.leave_pending()
                break
            first = False

    def leave_pending(self):
        """What is still pending stays so; an event outside softirqs follows before the next pass."""
        self.machine.line.add(self.machine.now(), self.number, vocab.SOFTIRQ_RAISE, vocab.HI, pid=self.pid)
        self.pending.setdefault(vocab.HI, self.machine.last_ns)
        yield

    def hardirq(self, parent, flags):
        irq = self.random.randrange(20, 24)
        for action in range(self.random.randrange(1, 3)):
            row = self.add(vocab.IRQ_HANDLER_ENTRY, irq, name=f"action{action}", flags=flags)
            node = Node(row, self.machine.time_of(row), parent)
            self.machine.nodes.append(node)
            yield
            if self.random.random() < 0.7:
                vec = self.random.choice((vocab.TIMER, vocab.NET_RX, vocab.TASKLET, vocab.RCU))
                raised = self.add(vocab.SOFTIRQ_RAISE, vec, flags=flags)
                self.pending.setdefault(vec, self.machine.time_of(raised))
                yield
            node.end_ns = self.machine.time_of(self.add(vocab.IRQ_HANDLER_EXIT, irq, flags=flags))
            yield

    def softirq_pass(self, taken):
        for vec in sorted(taken):
            row = self.add(vocab.SOFTIRQ_ENTRY, vec, flags=SOFT)
            now = self.machine.time_of(row)
            node = Node(row, now, self.base(), now - taken[vec])
            self.machine.nodes.append(node)
            yield
            if self.random.random() < 0.4:
                yield from self.hardirq(node, HARD | SOFT)
            if vec == vocab.TASKLET:
                yield from self.tasklet(node)
            node.end_ns = self.machine.time_of(self.add(vocab.SOFTIRQ_EXIT, vec, flags=SOFT))
            yield

    def tasklet(self, parent):
        row = self.add(vocab.TASKLET_ENTRY, 64 * self.number, b=9, flags=SOFT)
        node = Node(row, self.machine.time_of(row), parent)
        self.machine.nodes.append(node)
        yield
        if self.random.random() < 0.5:
            yield from self.hardirq(node, HARD | SOFT)
        node.end_ns = self.machine.time_of(self.add(vocab.TASKLET_EXIT, 64 * self.number, b=9, flags=SOFT))
        yield


class Machine:
    """CPUs that take turns at random; every row has a later time than the one before, or the same."""

    def __init__(self, seed, cpu_count, rows):
        self.random, self.line, self.nodes, self.last_ns = random.Random(seed), Timeline(), [], 0
        lives = [Cpu(number, self).live() for number in range(cpu_count)]
        for life in lives:
            next(life)
        while len(self.line.rows) < rows:
            next(self.random.choice(lives))

    def now(self):
        self.last_ns += self.random.choice((0, 1, 2, 5, 100, 3000))
        return self.last_ns

    def time_of(self, row):
        return self.line.rows[row][0]

    def expected(self):
        """(row, inclusive, exclusive, wait, row of the span beneath) of each span that ended."""
        done = [node for node in self.nodes if node.end_ns is not None]
        return sorted((node.row, node.wall_ns, node.own_ns, node.wait_ns, node.parent.row if node.parent else -1) for node in done)


def found(table):
    spans, _ = find_spans(table)
    columns = (spans.row, spans.wall_ns, spans.self_ns, spans.wait_ns, spans.parent_row)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@given(seed=st.integers(0, 2**32), cpu_count=st.integers(1, 3), rows=st.integers(1, 300))
@settings(deadline=None, max_examples=200)
def test_well_formed_nests_are_timed_to_the_nanosecond(seed, cpu_count, rows):
    machine = Machine(seed, cpu_count, rows)
    assert found(machine.line.table()) == machine.expected()


ROW = st.tuples(
    st.integers(0, 5), st.sampled_from((0, 0, 1, 3)), st.integers(0, len(vocab.EVENT_NAMES) - 1),
    st.sampled_from((-1, 1, 3, 6, 9, 10, 63, 1 << 62, -(1 << 63), (1 << 63) - 1)), st.sampled_from((0, 5, 7, -1)),
    st.integers(0, 511), st.sampled_from((0, 1, 256, -(1 << 63))), st.sampled_from((None, "eth0", "irq/9-eth0")),
)  # fmt: skip


@given(st.lists(ROW, max_size=60))
@settings(deadline=None, max_examples=500)
def test_any_order_of_events_gives_times_that_make_sense(rows):
    line, time_ns = Timeline(), 0
    line.tasks = {5: "ksoftirqd/0", 7: "kworker/0:1"}
    for step, cpu, kind, a, pid, flags, b, name in rows:
        time_ns += step
        line.add(time_ns, cpu, kind, a, pid=pid, flags=flags, b=b, name=name)
    make_sense(time_events(line.table()))


@given(st.lists(st.integers(0, (1 << 63) - 1), max_size=8), st.data())
@settings(deadline=None)
def test_times_of_any_size_do_not_overflow(times, data):
    line = Timeline()
    for time_ns in sorted(times):
        line.add(time_ns, 0, data.draw(st.sampled_from((vocab.IRQ_HANDLER_ENTRY, vocab.IRQ_HANDLER_EXIT))), 1, name="x")
    make_sense(time_events(line.table()))


def make_sense(timing):
    spans = timing.spans
    assert (spans.wall_ns >= 0).all()
    assert (spans.self_ns >= 0).all()
    assert (spans.self_ns <= spans.wall_ns).all()
    assert (spans.wait_ns >= -1).all()
    assert (np.diff(spans.row) > 0).all()
    for kind in SPAN_KINDS:
        name, done = vocab.EVENT_NAMES[kind], int((spans.kind == kind).sum())
        assert done + timing.unfinished.get(name, 0) == timing.recorded.get(name, 0)
    for line in timing.hardirq:
        assert 0 <= line.run.p50 <= line.run.p99 <= line.run.max <= line.run.total
        assert line.count == sum(part.count for part in line.by_action)


@pytest.mark.skipif(not compiled.jit_is_enabled(), reason="NUMBA_DISABLE_JIT: there is no compiled form")
def test_compiled_and_plain_find_the_same(monkeypatch):
    tables = [Machine(seed, 3, 3000).line.table() for seed in range(3)]
    tables = [table.replace(tasks={1000: "ksoftirqd/0"}) for table in tables]
    plain = [time_events(table) for table in tables]
    monkeypatch.setattr(compiled, "COMPILED_ROWS_MIN", 1)
    for table, timing in zip(tables, plain, strict=True):
        again = time_events(table)
        for name in ("hardirq", "softirq", "napi", "work", "tasklets", "switches", "unfinished", "unmatched"):
            assert getattr(again, name) == getattr(timing, name)
        for name in timing.spans.COLUMNS:
            assert (getattr(again.spans, name) == getattr(timing.spans, name)).all()
