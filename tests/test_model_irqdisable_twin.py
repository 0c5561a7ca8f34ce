"""Disabling, enabling and resending against a clock that looks at everything each 10 ns; waiting for handlers and threads likewise.

Twin of: irqdisable.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelprograms import program, run, times_of
from modelworlds import TICKLESS
from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.ground.kmsg import LOG_SIZE, LOG_UNBALANCED_ENABLE
from tophalf.model.irq import manageops as mops
from tophalf.model.irq.builddevices import add_device, add_threaded_action
from tophalf.model.irq.irqdisable import SPIN_NS
from tophalf.model.irq.manage import DISABLE_IRQ, ENABLE_IRQ, command
from tophalf.model.table import event_table

pytestmark = pytest.mark.kernels
STEP_NS, TICK_NS, OFFSET_NS = 1000, 10, 50
KINDS = {"msi": (f.FLOW_EDGE, f.CHIP_MSI), "pin": (f.FLOW_EDGE, f.CHIP_IOAPIC), "level": (f.FLOW_LEVEL, f.CHIP_IOAPIC)}
histories = st.lists(st.sampled_from(("signal", "signal", "off", "on")), min_size=1, max_size=24)


class Line:
    """One line on one CPU. waits: at the APIC; kept: by the descriptor, for when it is on; held: in the device, whose message is
    masked; asserted: what a level line is until its handler begins. `left`: of the handler that runs, ns."""

    def __init__(self, kind, handler_ns):
        self.kind, self.handler_ns, self.left, self.depth = kind, handler_ns, 0, 0
        self.masked = self.waits = self.kept = self.held = self.replay = self.asserted = False
        self.entries, self.complaints = [], 0

    def tick(self, now, what):
        if self.left:
            self.left -= TICK_NS
            if self.left == 0:
                self.handler_ends()
        if what:
            getattr(self, what)()
        while self.waits and self.left == 0:
            self.come(now)

    def come(self, now):
        self.waits = self.replay = False
        if self.depth:
            self.kept = self.masked = True
            return
        self.entries.append(now)
        self.kept = self.asserted = False
        self.masked = self.kind == "level"
        self.left = self.handler_ns
        if self.left == 0:
            self.handler_ends()

    def handler_ends(self):
        if self.kind == "level" and self.depth == 0:
            self.unmask()

    def unmask(self):
        if self.masked:
            self.masked = False
            self.waits = self.waits or self.held or self.asserted
            self.held = False

    def signal(self):
        self.asserted = self.kind == "level"
        self.waits = self.waits or not self.masked
        self.held = self.held or (self.masked and self.kind == "msi")

    def off(self):
        self.depth += 1

    def on(self):
        if self.depth == 0:
            self.complaints += 1
            return
        self.depth -= 1
        if self.depth == 0:
            self.unmask()
            if self.kind == "level":
                self.kept = False
            elif self.kept and not self.replay:
                self.kept, self.replay, self.waits = False, True, True


def told(line, m, desc):
    """The descriptor's state as the twin has it."""
    bits = {f.IRQ_DISABLED: line.depth > 0, f.IRQ_MASKED: line.masked, f.IRQ_PENDING: line.kept, f.IRQ_REPLAY: line.replay,
            f.IRQ_INPROGRESS: line.left > 0}  # fmt: skip
    return sum(bit for bit, is_set in bits.items() if is_set), line.depth, int(line.held)


@settings(max_examples=120, deadline=None)
@given(histories, st.sampled_from(sorted(KINDS)), st.sampled_from((0, 330, 1530, 2530)))
def test_interrupts_come_when_the_clock_says_so(history, kind, handler_ns):
    line, builder = Line(kind, handler_ns), Builder(1, nohz=TICKLESS)
    flow, chip = KINDS[kind]
    desc = builder.irq(24, 0, flow, chip=chip)
    times = [STEP_NS * at + OFFSET_NS for at, what in enumerate(history) if what == "signal"]
    device = add_device(builder, "card", desc, kind == "level", ("times", times))
    steps = [(ops.OP_DEVICE_ACK, device), (ops.OP_SPEND_NS, handler_ns), (ops.OP_RET, f.IRQ_HANDLED)]
    builder.action(desc, "card", program(builder, *steps))
    world = builder.world(5000)
    for now in range(0, STEP_NS * len(history), TICK_NS):
        at, rest = divmod(now - OFFSET_NS, STEP_NS)
        what = history[at] if rest == 0 and at >= 0 else None
        line.tick(now, what)
        if what in ("on", "off"):
            world.run(now)
            command(world.memory, ENABLE_IRQ if what == "on" else DISABLE_IRQ, desc)
    end_ns = STEP_NS * len(history) - TICK_NS + 1
    world.run(end_ns)
    m = world.memory
    assert times_of(event_table(world), vocab.IRQ_HANDLER_ENTRY, a=24) == line.entries
    assert (int(m[desc + f.D_STATE]), int(m[desc + f.D_DEPTH]), int(m[desc + f.D_HELD])) == told(line, m, desc)
    log = [int(m[m[f.G_LOG] + LOG_SIZE * entry + 2]) for entry in range(m[f.G_LOG_COUNT])]
    assert log == [LOG_UNBALANCED_ENABLE] * line.complaints


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=3, unique=True), st.integers(1, 9000), st.integers(1, 9000),
       st.booleans(), st.integers(0, 2), st.integers(-2000, 19_000))  # fmt: skip
def test_who_waits_for_handlers_and_threads_goes_on_when_none_runs(starts, handler_ns, thread_ns, threaded, near, after_ns):
    """CPU 1 handles, a task on CPU 0 calls synchronize_irq: it looks each SPIN_NS while a handler runs, then sleeps."""
    builder = Builder(1, cpus=2, nohz=TICKLESS)
    desc = builder.irq(24, 1)
    times = [start * 20_000 for start in sorted(starts)]
    asked_ns = times[near % len(times)] + after_ns
    add_device(builder, "card", desc, arrivals=("times", times))
    if threaded:
        handler = program(builder, (ops.OP_SPEND_NS, handler_ns), (ops.OP_RET, f.IRQ_WAKE_THREAD))
        thread = program(builder, (ops.OP_SPEND_NS, thread_ns), (ops.OP_RET, f.IRQ_HANDLED))
        add_threaded_action(builder, desc, "card", thread, handler)
    else:
        builder.action(desc, "card", program(builder, (ops.OP_SPEND_NS, handler_ns), (ops.OP_RET, f.IRQ_HANDLED)))
    steps = ((ops.OP_SPEND_NS, asked_ns), (mops.OP_SYNCHRONIZE_IRQ, desc), (ops.OP_RAISE, vocab.BLOCK), (ops.OP_SPEND_NS, 10))
    builder.task("task", 0, program(builder, *steps, (ops.OP_EXIT,)))
    _, table = run(builder, 3_000_000)
    now = asked_ns
    ends = {start + handler_ns for start in times} | ({start + handler_ns + thread_ns for start in times} if threaded else set())
    for start in times:
        while start < now < start + handler_ns:
            now += SPIN_NS
        if now in ends | {start}:
            return  # two CPUs at one moment: either may be first
        if threaded and start + handler_ns < now < start + handler_ns + thread_ns:
            now = start + handler_ns + thread_ns
    assert times_of(table, vocab.SOFTIRQ_RAISE, a=vocab.BLOCK) == [now]
