"""Read-write locks of drivers against the kernel's own code on one word and a queue, and their fairness told exactly.

Twin of: rwlocks. Each CPU looks at the lock at moments of its own, so that no two ever do at the same time.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelprograms import at_times, program
from test_model_code_drivers import Machine
from test_model_code_twin import coded, finished, spend
from tophalf.errors import TophalfError
from tophalf.model import ops
from tophalf.model.code import codeops as c
from tophalf.model.code import waitops as w
from tophalf.model.code.codefields import SPIN_NS
from tophalf.model.code.waitfields import RWLOCK_SIZE

pytestmark = pytest.mark.kernels
CPUS, PHASE_NS = 3, 7  # CPU n looks at times that are 7 n modulo SPIN_NS, its handlers run 3 ns later
HANDLER_NS = 3
UNTIL_NS = 200_000
QW_WAITING, QW_LOCKED, QR_BIAS = 0x100, 0xFF, 0x200
BEFORE = {"read": [(ops.OP_PREEMPT_OFF,)], "write": [(ops.OP_IRQS_OFF,), (ops.OP_PREEMPT_OFF,)], "read_bh": [(ops.OP_BH_OFF,)]}
AFTER = {"read": [(ops.OP_PREEMPT_ON,)], "write": [(ops.OP_IRQS_ON,), (ops.OP_PREEMPT_ON,)], "read_bh": [(ops.OP_BH_ON,)]}


class SlowLock:
    """queued_read_lock, queued_write_lock and their slow paths, as kernel/locking/qrwlock.c has them. A context is a generator of
    ns: how long it spins or works."""

    def __init__(self):
        self.cnts, self.wait_lock = 0, []

    def read(self, who, in_interrupt):
        self.cnts += QR_BIAS
        if not self.cnts & (QW_WAITING | QW_LOCKED):
            return
        if in_interrupt:
            while self.cnts & QW_LOCKED:
                yield SPIN_NS
            return
        self.cnts -= QR_BIAS
        yield from self.queue(who)
        self.cnts += QR_BIAS
        while self.cnts & QW_LOCKED:
            yield SPIN_NS
        self.wait_lock.pop(0)

    def write(self, who):
        if self.cnts == 0:
            self.cnts = QW_LOCKED
            return
        yield from self.queue(who)
        if self.cnts:
            self.cnts |= QW_WAITING
            while self.cnts != QW_WAITING:
                yield SPIN_NS
        self.cnts = QW_LOCKED
        self.wait_lock.pop(0)

    def queue(self, who):
        self.wait_lock.append(who)
        while self.wait_lock[0] != who:
            yield SPIN_NS


class SlowMachine:
    """CPUs that each run a task and the handlers that interrupt it; taken: {name: when it had the lock}."""

    def __init__(self, tasks, handlers):
        self.lock, self.taken, self.now = SlowLock(), {}, 0
        self.irqs_off, self.late = [False] * CPUS, [[] for _ in range(CPUS)]
        self.stacks = [[[self.task(cpu, steps), 0]] for cpu, steps in enumerate(tasks)]
        self.coming = sorted((time, cpu, f"h{cpu}_{at}") for cpu, times in enumerate(handlers) for at, time in enumerate(times))

    def task(self, cpu, steps):
        yield cpu * PHASE_NS
        for at, (before, kind, hold) in enumerate(steps):
            yield before * SPIN_NS
            self.irqs_off[cpu] = kind == "write"
            yield from self.lock.write(cpu) if kind == "write" else self.lock.read(cpu, kind == "read_bh")
            self.taken[f"t{cpu}_{at}"] = self.now
            yield hold * SPIN_NS
            self.lock.cnts -= QW_LOCKED if kind == "write" else QR_BIAS
            self.irqs_off[cpu] = False
            yield 0  # where interrupts that waited come in

    def handler(self, cpu, name):
        yield from self.lock.read(("irq", cpu), True)
        self.taken[name] = self.now
        yield 2 * SPIN_NS
        self.lock.cnts -= QR_BIAS

    def run(self):
        while self.now < UNTIL_NS:
            left = [stack[-1][1] for stack in self.stacks if stack]
            step = min([*left, *(time - self.now for time, _, _ in self.coming[:1]), UNTIL_NS - self.now])
            self.now += step
            for stack in filter(None, self.stacks):
                stack[-1][1] -= step
            while self.coming and self.coming[0][0] == self.now:
                _, cpu, name = self.coming.pop(0)
                self.late[cpu].append(name)
            for cpu in range(CPUS):
                self.go_on(cpu)
        return self.taken

    def go_on(self, cpu):
        stack = self.stacks[cpu]
        while True:
            if self.late[cpu] and not self.irqs_off[cpu] and len(stack) < 2:
                stack.append([self.handler(cpu, self.late[cpu].pop(0)), 0])
            if not stack or stack[-1][1]:
                return
            try:
                stack[-1][1] = next(stack[-1][0])
            except StopIteration:
                stack.pop()


def run_model(tasks, handlers):
    """{name: when it had the lock} on the model."""
    builder = coded(cpus=CPUS)
    lock, names = builder.memory.take(RWLOCK_SIZE), {}

    def took(name):
        names[name] = builder.memory.take(1)
        return [(c.CODE_CLOCK, 0), (c.CODE_STORE, names[name], 0)]

    for cpu, steps in enumerate(tasks):
        body = [spend(cpu * PHASE_NS)]
        for at, (before, kind, hold) in enumerate(steps):
            take = w.CODE_WRITE_LOCK if kind == "write" else w.CODE_READ_LOCK
            give = w.CODE_WRITE_UNLOCK if kind == "write" else w.CODE_READ_UNLOCK
            body += [spend(before * SPIN_NS), *BEFORE[kind], (take, lock), *took(f"t{cpu}_{at}"), spend(hold * SPIN_NS)]
            body += [(give, lock), *AFTER[kind]]
        builder.task(f"app{cpu}", cpu, program(builder, *body, (ops.OP_EXIT,)))
        for at, time in enumerate(handlers[cpu]):
            body = [(w.CODE_READ_LOCK, lock), *took(f"h{cpu}_{at}"), spend(2 * SPIN_NS), (w.CODE_READ_UNLOCK, lock)]
            at_times(builder, 24 + 10 * cpu + at, [time], *body, cpu=cpu)
    m = finished(builder, UNTIL_NS)
    return {name: int(m[address]) for name, address in names.items() if m[address]}


steps = st.lists(st.tuples(st.integers(1, 8), st.sampled_from(["read", "read", "write", "read_bh"]), st.integers(1, 8)), max_size=6)

hundreds_ = st.sets(st.integers(1, 40), max_size=2)


@settings(max_examples=120, deadline=None)
@given(st.lists(steps, min_size=CPUS, max_size=CPUS), st.lists(hundreds_, min_size=CPUS, max_size=CPUS))
def test_random_readers_and_writers_come_to_the_same(tasks, hundreds):
    handlers = [[1000 * each + cpu * PHASE_NS + HANDLER_NS for each in sorted(times)] for cpu, times in enumerate(hundreds)]
    assert run_model(tasks, handlers) == SlowMachine(tasks, handlers).run()


def test_a_writer_that_waits_keeps_readers_away_but_not_interrupts():
    """CPU0 reads from 100 to 5100. CPU1 wants to write at 1007. CPU2 comes at 2014 to read, and is interrupted at 3017."""
    taken = run_model([[(1, "read", 50)], [(10, "write", 10)], [(20, "read", 1)]], [[], [], [3017]])
    assert taken == {"t0_0": 100, "h2_0": 3017, "t1_0": 5107, "t2_0": 6114}


def test_readers_with_bottom_halves_off_pass_a_writer_that_waits():
    taken = run_model([[(1, "read", 50)], [(10, "write", 10)], [(20, "read_bh", 1)]], [[], [], []])
    assert taken == {"t0_0": 100, "t2_0": 2014, "t1_0": 5107}


def test_forms_of_drivers_keep_interrupts_and_softirqs_away(tmp_path):
    text = """
def soft(t):
    dev = from_tasklet(t)
    dev.ran = ktime_get()

def handler(irq, dev):
    dev.came = ktime_get()
    tasklet_schedule(dev.t)
    return IRQ_HANDLED

def thread(dev):
    write_lock_irq(dev.lock)
    spend(2000)
    write_unlock_irq(dev.lock)
    read_lock_bh(dev.lock)
    spend(3000)
    read_unlock_bh(dev.lock)
    write_lock_bh(dev.lock)
    write_unlock_bh(dev.lock)
    read_lock_irq(dev.lock)
    read_lock(dev.lock)
    read_unlock(dev.lock)
    read_unlock_irq(dev.lock)
    write_lock(dev.lock)
    write_unlock(dev.lock)
    dev.over = ktime_get()
    return 0

def probe(dev):
    rwlock_init(dev.lock)
    tasklet_setup(dev.t, soft)
    kthread_run(thread, dev, "works")
    return request_irq(dev.irq, handler, 0, "dev", dev)
"""
    machine = Machine(tmp_path, text, [1000]).run()
    assert [machine.word(name) for name in ("came", "ran", "over")] == [2000, 2000, 5000]
    machine = Machine(tmp_path, text, [2500]).run()
    assert [machine.word(name) for name in ("came", "ran", "over")] == [2500, 5000, 5000]


@pytest.mark.parametrize("unlock", ["read_unlock", "write_unlock"])
def test_unlocking_what_is_not_held_ends_the_run(tmp_path, unlock):
    text = f"def handler(irq, dev):\n    {unlock}(dev.lock)\n    return IRQ_HANDLED\n"
    text += "\ndef probe(dev):\n    rwlock_init(dev.lock)\n    return request_irq(dev.irq, handler, 0, 'dev', dev)\n"
    with pytest.raises(TophalfError, match="driver.py:3, in handler.*unlocks what is not locked"):
        Machine(tmp_path, text, [1000]).run()
