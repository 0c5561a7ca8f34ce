"""Locks and contexts of drivers while they run: a plain lockdep of lists and sets, over random sequences; drivers as text.

Twin of: lockdep, checks.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tophalf.model import fields as f
from tophalf.model.build import Builder
from tophalf.model.check import checkfields as k
from tophalf.model.check import checkkinds as kinds
from tophalf.model.check import checkops as o
from tophalf.model.check.checkroles import HANDLER, THREAD
from tophalf.model.check.checks import execute_check
from tophalf.model.check.lockdep import USAGES
from tophalf.model.check.reports import cases
from tophalf.model.code.buildcode import begin_code
from tophalf.model.ops import STRIDE
from tophalf.model.simulate import simulate

pytestmark = pytest.mark.kernels
LOCKS, CLASSES = 4, 3  # the last two locks are of one class
PLACE = 1000  # of the first instruction; there are no words of programs here
HOWS = [0, k.H_READ, k.H_READ | k.H_BH, k.H_WRITE, k.H_MUTEX, k.H_PSEUDO, k.H_IRQS, k.H_BH]
SPINS = k.H_MUTEX | k.H_PSEUDO


class Slow:
    """held: [(lock, context, how, irqs were off)]; told: {(kind, place)}; usage, edges: sets."""

    def __init__(self):
        self.held, self.told, self.usage, self.edges = [], set(), set(), set()
        self.count, self.irqs_off, self.entered = 0, 0, []

    @property
    def context(self):
        return bool(self.count & 0xF0000), bool(self.count & 0x100)

    def acquire(self, lock, how, place):
        mine = [each for each in self.held if each[1] == self.context]
        recursive = bool(how & k.H_READ and (how & k.H_BH or self.count & 0xFFF00))
        if any(class_of(held) == class_of(lock) and not (recursive and held_how & k.H_READ) for held, _, held_how, _ in mine):
            self.told.add((kinds.WAITS_FOR_ITSELF if how & k.H_PSEUDO else kinds.RECURSIVE, place))
        else:
            self.edges |= {(class_of(held), class_of(lock), bool(held_how & k.H_READ), recursive)
                           for held, _, held_how, _ in mine if class_of(held) != class_of(lock)}  # fmt: skip
        in_hardirq, in_softirq = self.context
        if not how & SPINS:
            found = {"in hardirq"} if in_hardirq else {"in softirq"} if in_softirq else set()
            irqs_on = not (self.irqs_off or how & k.H_IRQS or in_hardirq)
            found |= {"hardirqs on"} if irqs_on else set()
            found |= {"softirqs on"} if irqs_on and not (self.count & 0xFF00 or how & k.H_BH) else set()
            self.use(lock, how, found)
        if len(self.held) == k.HELD_MAX:
            self.told.add((kinds.TOO_DEEP, place))
        else:
            self.held.append((lock, self.context, how, self.irqs_off))

    def use(self, lock, how, found):
        self.usage |= {(class_of(lock), each, bool(how & k.H_READ)) for each in found}

    def release(self, lock, turns_on, place):
        mine = [each for each in self.held if each[:2] == (lock, self.context)]
        if not mine:
            self.told.add((kinds.NOT_HELD, place))
            return
        at = len(self.held) - 1 - self.held[::-1].index(mine[-1])
        held = self.held.pop(at)
        if turns_on and held[3] and held[2] & k.H_IRQS:
            self.told.add((kinds.IRQS_ON_CALLER, place))
        elif turns_on:
            self.irqs_on(place)

    def irqs_on(self, place):
        if self.context[0]:
            self.told.add((kinds.IRQS_ON_HARDIRQ, place))
        elif self.irqs_off:
            self.mark_held({"hardirqs on"} | (set() if self.count & 0xFF00 else {"softirqs on"}))

    def mark_held(self, found):
        for lock, _, how, _ in self.held:
            if not how & SPINS:
                self.use(lock, how, found)

    def bh_on(self, place):
        if self.irqs_off:
            self.told.add((kinds.BH_IRQS, place))
        if self.count & 0xFF00 < 0x200:
            self.told.add((kinds.BH, place))
            return
        if self.count & 0xFF00 == 0x200 and not self.irqs_off:
            self.mark_held({"softirqs on"})
        self.count -= 0x200

    def preempt_on(self, place):
        if self.count & 0xFF:
            self.count -= 1
        else:
            self.told.add((kinds.PREEMPT, place))

    def leave(self, place):
        count, depth, irqs_off = self.entered.pop()
        if irqs_off != self.irqs_off:
            self.told.add((kinds.IRQS_AT_END, place))
        if any(not how & k.H_PSEUDO for _, _, how, _ in self.held[depth:]):
            self.told.add((kinds.HELD_AT_END, place))
        elif count != self.count:
            self.told.add((kinds.PREEMPT_AT_END, place))
        self.count, self.irqs_off = count, irqs_off
        del self.held[depth:]


def class_of(lock):
    return min(lock, CLASSES - 1) + 1


class Fast:
    """The same said to the engine, one instruction at a time."""

    def __init__(self):
        builder = Builder()
        begin_code(builder)
        self.maps = []
        for lock in range(LOCKS):
            builder.lock_classes[str(class_of(lock))] = class_of(lock)
            self.maps.append(builder.memory.take(k.MAP_SIZE))
            builder.memory[self.maps[-1] + k.MAP_CLASS] = class_of(lock)
        self.entered = builder.memory.take(64)
        self.world = builder.world()
        self.m, self.cpu, self.depth = self.world.memory, builder.cpus[0], 0
        self.frame = self.m[self.cpu + f.C_FRAME]

    def do(self, place, op, x=0, y=0, z=0):
        """Returns whether the next instruction is left out."""
        self.m[self.frame + f.F_PC] = place + STRIDE
        execute_check(self.m, self.cpu, self.frame, self.entered, op, x, y, z)
        return self.m[self.frame + f.F_PC] != place + STRIDE

    def state(self):
        m, task = self.m, self.m[self.cpu + f.C_CURRENT]
        held = m[task + f.K_LOCALS] + 6 * (task + f.K_STACK) + f.FRAMES_MAX * 6 * f.FRAME_SIZE
        entries = [held + k.HD_LOCKS + number * k.HELD_SIZE for number in range(m[held + k.HD_DEPTH])]
        return [
            (self.maps.index(m[each + k.HL_LOCK]), (m[each + k.HL_CONTEXT] >= 2, m[each + k.HL_CONTEXT] % 2 == 1),
             m[each + k.HL_FLAGS] & ~k.H_WERE_OFF, int(m[each + k.HL_FLAGS] & k.H_WERE_OFF != 0)) for each in entries
        ]  # fmt: skip


NAMES = {k.U_IN_HARDIRQ: "in hardirq", k.U_IN_SOFTIRQ: "in softirq", k.U_HARDIRQS_ON: "hardirqs on", k.U_SOFTIRQS_ON: "softirqs on"}
steps = st.one_of(
    st.tuples(st.just("acquire"), st.integers(0, LOCKS - 1), st.sampled_from(HOWS)),
    st.tuples(st.just("release"), st.integers(0, LOCKS - 1), st.booleans()),
    st.tuples(st.sampled_from(["irqs off", "irqs on", "hardirq", "softirq", "bh off", "bh on", "preempt off", "preempt on", "enter",
                               "leave"]), st.just(0), st.just(0)),
)  # fmt: skip


def both(slow, fast, place, what, lock, how):
    """One step in both; contexts end before those that they interrupted."""
    m, cpu = fast.m, fast.cpu
    if what == "acquire":
        slow.acquire(lock, how, place)
        fast.do(place, o.CHECK_ACQUIRE, fast.maps[lock], how)
    elif what == "release":
        slow.release(lock, how, place)
        fast.do(place, o.CHECK_RELEASE, fast.maps[lock], k.H_IRQS if how else 0)
    elif what in ("irqs on", "bh on", "preempt on"):
        turns_on(slow, fast, place, what)
    elif what == "enter" and len(slow.entered) < 60:
        fast.do(place, o.CHECK_ENTER, len(slow.entered), 0, THREAD)
        slow.entered.append((slow.count, len(slow.held), slow.irqs_off))
    elif what == "leave" and slow.entered:
        slow.leave(place)
        fast.do(place, o.CHECK_LEAVE, len(slow.entered), 0, THREAD)
        assert (m[cpu + f.C_PREEMPT_COUNT], m[cpu + f.C_IRQS_OFF]) == (slow.count, slow.irqs_off)
    else:
        slow.irqs_off = 1 if what in ("irqs off", "hardirq") else slow.irqs_off
        slow.count |= {"hardirq": 0x10000, "softirq": 0x100}.get(what, 0)
        slow.count += {"bh off": 0x200, "preempt off": 1}.get(what, 0)
    m[cpu + f.C_PREEMPT_COUNT], m[cpu + f.C_IRQS_OFF] = slow.count, slow.irqs_off


def turns_on(slow, fast, place, what):
    before = slow.count
    if what == "irqs on":
        slow.irqs_on(place)
        fast.do(place, o.CHECK_IRQS_ON)
        slow.irqs_off = 0
    elif what == "bh on":
        slow.bh_on(place)
        assert fast.do(place, o.CHECK_BH_ON) == (slow.count == before)
    else:
        slow.preempt_on(place)
        assert fast.do(place, o.CHECK_PREEMPT_ON) == (slow.count == before)


@settings(max_examples=150, deadline=None)
@given(st.lists(steps, max_size=60))
def test_random_sequences_come_to_what_a_plain_lockdep_says(script):
    slow, fast = Slow(), Fast()
    for number, (what, lock, how) in enumerate(script):
        both(slow, fast, PLACE + STRIDE * number, what, lock, how)
        assert fast.state() == slow.held
    found = cases(fast.world)
    assert {(case.kind, case.place) for case in found if case.kind < kinds.FACTS_FROM} == slow.told
    edges = {(*divmod(case.place // 4, CLASSES + 1), case.place % 2 == 1, case.place // 2 % 2 == 1)
             for case in found if case.kind == kinds.FACT_EDGE}  # fmt: skip
    assert edges == slow.edges
    usage = set()
    for case in found:
        if case.kind == kinds.FACT_USAGE:
            number, bits = divmod(case.place, USAGES)
            usage |= {(number, name, is_read) for bit, name in NAMES.items() for is_read in (False, True)
                      if bits & bit * (k.U_READ if is_read else 1)}  # fmt: skip
    assert usage == slow.usage


def test_more_locks_than_a_task_may_hold_are_told_and_forgotten():
    slow, fast = Slow(), Fast()
    for number in range(k.HELD_MAX + 2):
        both(slow, fast, PLACE + STRIDE * number, "acquire", 0, k.H_READ | k.H_BH)
    assert {case.kind for case in cases(fast.world) if case.kind < kinds.FACTS_FROM} == {kinds.TOO_DEEP}
    assert len(fast.state()) == k.HELD_MAX


@pytest.mark.parametrize("answer, kind", [(0, None), (1, None), (3, None), (4, kinds.ANSWER), (-1, kinds.ANSWER)])
def test_what_a_handler_may_answer(answer, kind):
    fast = Fast()
    fast.m[fast.entered + 5] = answer
    fast.do(PLACE, o.CHECK_ENTER, 0, 0, HANDLER)
    fast.do(PLACE, o.CHECK_LEAVE, 0, 6, HANDLER)
    assert [case.kind for case in cases(fast.world)] == [kind] * (kind is not None)


# Drivers as text, through the door

HEAD = '''from tophalf.kernel import *

SCENARIO = """
[machine]
cpus = 2
seconds = "10ms"

[[driver]]
name = "card"
irq = 24
rate = 1000
"""

'''
LINES = HEAD.count("\n")


def found(tmp_path, text):
    """{(line of `text`, kind)} of a run."""
    path = tmp_path / "card.py"
    path.write_text(HEAD + text, encoding="utf-8")
    return {(report.line - LINES, report.kind) for report in simulate(str(path)).reports()}


def handler(*lines, more=""):
    """A handler of these lines from 2 on, and what else probe does."""
    body = "".join(f"    {line}\n" for line in lines)
    return (
        f"def handler(irq, dev):\n{body}    return IRQ_HANDLED\n\ndef probe(dev):\n{more}"
        "    return request_irq(dev.irq, handler, 0, 'card', dev)\n\n"
    )


START = "    kthread_run(loop, dev, 'loop')\n"


@pytest.mark.parametrize("lines, expected", [
    (["kfree(kmalloc(16, GFP_KERNEL))"], {(2, "sleep")}),
    (["kfree(kmalloc(16, GFP_ATOMIC))"], set()),
    (["cond_resched()"], {(2, "sleep")}),
    (["local_irq_enable()"], {(2, "irqs-on"), (3, "irqs-at-end")}),
    (["spin_lock_irq(dev.a)", "spin_unlock_irq(dev.a)"], {(3, "irqs-on"), (4, "irqs-at-end")}),
    (["flags = spin_lock_irqsave(dev.a)", "spin_unlock_irqrestore(dev.a, flags)"], set()),
    (["preempt_disable()"], {(3, "preempt-at-end")}),
    (["spin_lock(dev.a)", "spin_lock(dev.b)", "spin_unlock(dev.a)", "spin_unlock(dev.b)"], set()),
    (["read_lock(dev.r)", "read_lock(dev.r)", "read_unlock(dev.r)", "read_unlock(dev.r)"], set()),
    (["local_bh_enable()"], {(2, "bh"), (2, "bh-irqs")}),
    (["preempt_enable()"], {(2, "preempt")}),
    (["return 5"], {(2, "answer")}),
    (["return IRQ_WAKE_THREAD"], {(2, "answer")}),
    (["return dev.irq - 22"], {(2, "answer")}),
])  # fmt: skip
def test_what_a_handler_does(tmp_path, lines, expected):
    assert found(tmp_path, handler(*lines)) == expected


@pytest.mark.parametrize("body, expected", [
    (["spin_lock(dev.a)", "spin_unlock(dev.a)"], {(13, "inconsistent-hardirq")}),
    (["spin_lock_irq(dev.a)", "spin_unlock_irq(dev.a)"], set()),
    (["spin_lock_irq(dev.a)", "local_irq_enable()", "local_irq_disable()", "spin_unlock_irq(dev.a)"],
     {(14, "inconsistent-hardirq")}),
    (["spin_lock_irq(dev.b)", "spin_lock(dev.a)", "spin_unlock(dev.a)", "spin_unlock_irq(dev.b)"], {(3, "order")}),
    (["spin_lock_bh(dev.b)", "spin_unlock_bh(dev.b)"], {(13, "inconsistent-hardirq")}),
    (["local_irq_restore(dev.none)"], set()),
    (["none = 0", "local_irq_restore(none)"], {(14, "flags")}),
    (["mutex_lock(dev.m)", "mutex_lock(dev.n)", "mutex_unlock(dev.n)", "mutex_unlock(dev.m)",
      "mutex_lock(dev.n)", "mutex_lock(dev.m)", "mutex_unlock(dev.m)", "mutex_unlock(dev.n)"], {(14, "order")}),
    (["local_irq_disable()", "local_bh_disable()", "local_bh_enable()", "local_irq_enable()"], {(15, "bh-irqs")}),
])  # fmt: skip
def test_what_a_thread_does_beside_a_handler(tmp_path, body, expected):
    taking = handler("spin_lock(dev.a)", "spin_lock(dev.b)", "spin_unlock(dev.b)", "spin_unlock(dev.a)", more=START)
    assert taking.count("\n") == 11
    loop = "def loop(dev):\n" + "".join(f"    {line}\n" for line in body) + "    while True:\n        msleep(1)\n"
    assert found(tmp_path, taking + loop) == expected


def test_a_lock_that_the_handler_takes_before_one_that_is_taken_with_interrupts_on_is_a_chain(tmp_path):
    text = handler("spin_lock(dev.a)", "spin_unlock(dev.a)", more=START) + (
        "def loop(dev):\n    spin_lock_irq(dev.a)\n    spin_lock(dev.c)\n    spin_unlock(dev.c)\n    spin_unlock_irq(dev.a)\n"
        "    spin_lock(dev.c)\n    spin_unlock(dev.c)\n    while True:\n        msleep(1)\n"
    )
    assert found(tmp_path, text) == {(15, "chain-hardirq")}


def test_a_lock_that_is_taken_twice_is_told_with_the_line_where_it_was_taken_first(tmp_path):
    path = tmp_path / "card.py"
    path.write_text(HEAD + handler("spin_lock(dev.a)", "spend(5)", "spin_lock(dev.a)"), encoding="utf-8")
    (report,) = simulate(str(path)).reports()
    assert report.title == f"possible recursive locking detected: card.a is held already, taken at line {LINES + 2}"
    assert f"card.a is held, taken at line {LINES + 2} in handler" in report.details


WAITS = '''def handler(irq, dev):
    schedule_work(dev.work)
    return IRQ_WAKE_THREAD

def thread(irq, dev):
    {thread}
    return IRQ_HANDLED

def work(w):
    dev = container_of(w)
    {work}

def loop(dev):
    while True:
        {loop}
        msleep(1)

def probe(dev):
    dev.wq = alloc_workqueue("mine", {flags}, 1)
    dev.other = alloc_workqueue("other", 0, 1)
    INIT_WORK(dev.work, work)
    INIT_WORK(dev.second, second)
    kthread_run(loop, dev, "loop")
    return request_threaded_irq(dev.irq, handler, thread, IRQF_ONESHOT, "card", dev)

def second(w):
    spend(10)
'''


@pytest.mark.parametrize("places, expected", [
    ({}, set()),
    ({"thread": "synchronize_irq(dev.irq)"}, {(6, "waits-for-itself")}),
    ({"thread": "disable_irq(dev.irq)"}, {(6, "waits-for-itself")}),
    ({"thread": "disable_irq_nosync(dev.irq)"}, set()),
    ({"loop": "synchronize_irq(dev.irq)"}, set()),
    ({"work": "flush_work(dev.work)"}, {(11, "waits-for-itself")}),
    ({"work": "flush_work(dev.second)"}, set()),
    ({"work": "cancel_work_sync(dev.work)"}, {(11, "waits-for-itself")}),
    ({"loop": "mutex_lock(dev.m); flush_work(dev.work); mutex_unlock(dev.m)", "work": "mutex_lock(dev.m); mutex_unlock(dev.m)"},
     {(11, "order")}),
    ({"thread": "mutex_lock(dev.m); mutex_unlock(dev.m)",
      "loop": "mutex_lock(dev.m); synchronize_irq(dev.irq); mutex_unlock(dev.m)"}, {(6, "order")}),
])  # fmt: skip
def test_what_waits_for_itself(tmp_path, places, expected):
    given_ = {"thread": "spend(1)", "work": "spend(2)", "loop": "spend(3)", "flags": "0"} | places
    text = WAITS.format(**given_)
    assert found(tmp_path, text) == expected


def test_what_a_system_call_leaves_is_told(tmp_path):
    call = '[[call]]\ndevice = "card"\nfunction = "read"\nsleep = "5ms"\n"""\n\n'
    path = tmp_path / "card.py"
    body = "def read(dev):\n    mutex_lock(dev.m)\n    preempt_disable()\n    return 0\n"
    path.write_text(HEAD.replace('"""\n\n', call) + handler("spend(5)") + body, encoding="utf-8")
    (report,) = simulate(str(path)).reports()
    assert report.title == "WARNING: lock held when returning to user space!: card.m is held when read ends"
    assert report.details[0].startswith('in read, the task "read" on CPU0; preempt_count 0x1')


def test_a_function_that_changes_nothing_has_no_checks_at_its_ends(tmp_path):
    path = tmp_path / "card.py"
    more = "def quiet(w):\n    spend(3)\n\ndef loud(t):\n    inner(from_tasklet(t))\n\n"
    more += "def inner(dev):\n    preempt_disable()\n    preempt_enable()\n"
    setup = "    INIT_WORK(dev.w, quiet)\n    tasklet_setup(dev.t, loud)\n"
    path.write_text(HEAD + handler("tasklet_schedule(dev.t)", more=setup) + more, encoding="utf-8")
    world = simulate(str(path)).world
    ops = {function: [int(world.memory[first + STRIDE * at]) for at in range(len(lines))]
           for first, lines, _, function in world.builder.code_places}  # fmt: skip
    assert {name for name, program in ops.items() if o.CHECK_ENTER in program} == {"loud"}
    assert {name for name, program in ops.items() if o.CHECK_LEAVE in program} == {"loud"}
