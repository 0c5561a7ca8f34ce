"""Threads of lines that move, against a list of where each may run and when: the line's CPU, at the line's moments.

Twin of: taskmove.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelprograms import program
from modelworlds import TICKLESS
from test_model_moves_twin import set_affinity
from tophalf import vocab
from tophalf.judge import laws
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.irq.builddevices import add_device, add_threaded_action
from tophalf.model.table import event_table

pytestmark = pytest.mark.kernels
CPUS, STEP_NS = 3, 50_000_000  # a step is long enough for an old vector to be freed
BODY_NS = 10_000
steps = st.lists(st.one_of(st.none(), st.integers(0, CPUS - 1)), min_size=1, max_size=10)  # None: an interrupt; else a mask
# on each CPU something more urgent than the thread (FIFO 60) runs for a while in each step: (from, for) in ns
blocks = st.lists(st.tuples(st.integers(1, STEP_NS // 4), st.integers(1, STEP_NS // 4)), min_size=CPUS, max_size=CPUS)


class Machine:
    """Where the thread is and where its line; at which times a CPU is taken by something more urgent."""

    def __init__(self, blocked, woken_by_masks):
        self.blocked, self.woken_by_masks = blocked, woken_by_masks
        self.line = self.thread = 0
        self.to_follow, self.raised = False, []

    def free(self, cpu, now):
        """The first moment from `now` on at which the thread can run on a CPU."""
        start, length = self.blocked[cpu]
        inside = (now - start) % STEP_NS
        return now if inside >= length else now + length - inside

    def works(self, cpu, now, left):
        """When the thread has run for `left` on a CPU."""
        while True:
            now = self.free(cpu, now)
            start, _ = self.blocked[cpu]
            until_taken = STEP_NS - (now - start) % STEP_NS
            if left <= until_taken:
                return now + left
            now, left = now + until_taken, left - until_taken

    def settle(self, now):
        """The thread is woken: it goes where its line is, if it is to. Returns when it is there."""
        now = self.free(self.thread, now)
        if self.to_follow:
            self.to_follow = False
            if self.thread != self.line:
                self.thread = self.line
                now = self.free(self.thread, now)
        return now

    def mask(self, now, cpu):
        self.line, self.to_follow = cpu, True
        if self.woken_by_masks:
            self.settle(now)

    def interrupt(self, now):
        there = self.settle(now)
        self.raised.append((self.works(self.thread, there, BODY_NS), self.thread))


def blocker(builder, cpu, start, length):
    """Takes its CPU from `start` for `length` in each step."""
    code = ((ops.OP_SLEEP, start), "again", (ops.OP_SPEND_NS, length), (ops.OP_SLEEP, STEP_NS - length), (ops.OP_JUMP, "again"))
    builder.task(f"urgent/{cpu}", cpu, program(builder, *code), policy=f.FIFO, priority=60)


@settings(max_examples=60, deadline=None)
@given(steps, blocks, st.sampled_from(("6.1", "6.12")), st.integers(0, STEP_NS // 2))
def test_the_thread_runs_where_its_line_is(history, blocked, kernel, at_ns):
    machine, builder = Machine(blocked, kernel != "6.1"), Builder(1, CPUS, kernel=kernel, preempt="full", nohz=TICKLESS)
    for cpu, (start, length) in enumerate(blocked):
        blocker(builder, cpu, start, length)
    desc = builder.irq(24, 0, affinity=range(CPUS))
    add_device(builder, "card", desc, arrivals=("times", [STEP_NS * at + at_ns for at, what in enumerate(history) if what is None]))
    body = ((ops.OP_SPEND_NS, BODY_NS), (ops.OP_RAISE, vocab.BLOCK), (ops.OP_RET, f.IRQ_HANDLED))
    add_threaded_action(builder, desc, "card", program(builder, *body))
    world = builder.world(5000)
    for at, what in enumerate(history):
        now = STEP_NS * at + at_ns
        if what is None:
            machine.interrupt(now)
        else:
            world.run(now)
            machine.mask(now, what)
            assert set_affinity(world, desc, {what}) == 0
    world.run(STEP_NS * (len(history) + 1))
    table = event_table(world)
    rows = (table.kind == vocab.SOFTIRQ_RAISE) & (table.a == vocab.BLOCK)
    assert list(zip(table.time_ns[rows].tolist(), table.cpu[rows].tolist(), strict=True)) == machine.raised
    assert world.memory[desc + f.D_CPU] == builder.cpus[machine.line]
    assert all(verdict.holds for verdict in laws.judge(table))
