"""Spurious detection and vectors against slow twins.

Twin of: spurious, irqaffinity, irqstartup, matrix.
"""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tophalf.model import fields as f
from tophalf.model.build import Builder
from tophalf.model.irq.matrix import FIRST_VECTOR, SYSTEM_VECTORS
from tophalf.model.irq.spurious import note_interrupt

pytestmark = pytest.mark.kernels


class Line:
    """kernel/irq/spurious.c note_interrupt, jiffies of 4 ms, in words of its own: what was deferred, counted, shut off."""

    def __init__(self):
        self.deferred, self.handled_before, self.unhandled, self.last, self.count, self.shut = False, 0, 0, 0, 0, False

    def interrupt(self, jiffy, answers, handled_by_threads):
        """answers: set of what the handlers said ("handled", "thread"; empty: none of them)."""
        if self.shut:
            return
        if answers == {"thread"}:
            if not self.deferred:
                self.deferred = True
                return
            answers = {"handled"} if handled_by_threads != self.handled_before else set()
            self.handled_before = handled_by_threads
        elif "thread" in answers:
            self.deferred = False
        if not answers:
            self.unhandled = 1 if jiffy > self.last + 25 else self.unhandled + 1
            self.last = jiffy
        if not self.unhandled:
            return
        self.count += 1
        if self.count == 100_000:
            self.shut, self.count, self.unhandled = self.unhandled > 99_900, 0, 0


RESULTS = {f.IRQ_NONE: set(), f.IRQ_HANDLED: {"handled"}, f.IRQ_WAKE_THREAD: {"thread"}, 3: {"handled", "thread"}}


@pytest.mark.parametrize("seed, unhandled, pauses, shut", [
    (1, 1.0, 0, True), (2, 0.9995, 0, True), (3, 0.998, 0, False), (5, 0.99, 0.0001, False),
])  # fmt: skip
def test_a_line_is_shut_off_when_the_twin_says_so(seed, unhandled, pauses, shut):
    random_ = random.Random(seed)
    builder = Builder(1)
    desc = builder.irq(24)
    m, cpu, line = builder.world().memory, builder.cpus[0], Line()
    assert int(m[f.G_HZ_NS]) == 4_000_000
    now = handled = 0
    for _ in range(101_500):
        now += random_.choice((1000, 50_000)) if random_.random() >= pauses else 200_000_000
        if random_.random() < unhandled:
            result = random_.choice((f.IRQ_NONE, f.IRQ_WAKE_THREAD)) if seed % 2 else f.IRQ_NONE
        else:
            result, handled = random_.choice((1, 2, 3)), handled + 1
        m[f.G_NOW], m[desc + f.D_THREADS_HANDLED] = now, handled
        note_interrupt(m, cpu, desc, result)
        line.interrupt(now // 4_000_000, RESULTS[result], handled)
        assert bool(m[desc + f.D_STATE] & f.IRQ_SPURIOUS_DISABLED) == line.shut
        assert (int(m[desc + f.D_UNHANDLED]), int(m[desc + f.D_SPURIOUS_COUNT])) == (line.unhandled, line.count)
        if line.shut:
            break  # disabled: no handler is asked any more
    assert line.shut == shut


@settings(max_examples=40)
@given(st.lists(st.integers(0, 2), min_size=1, max_size=30))
def test_each_line_gets_the_lowest_vector_that_its_cpu_has_left(cpus):
    builder = Builder(1, cpus=3)
    lines = [(builder.irq(24 + number, cpu), cpu) for number, cpu in enumerate(cpus)]
    m = builder.world().memory
    used = dict.fromkeys(range(3), 0)
    for desc, cpu in lines:
        vector = [vector for vector in range(FIRST_VECTOR, 256) if vector not in SYSTEM_VECTORS][used[cpu]]
        assert int(m[desc + f.D_VECTOR]) == vector
        assert int(m[builder.cpus[cpu] + f.C_VECTORS + vector]) == desc
        used[cpu] += 1
