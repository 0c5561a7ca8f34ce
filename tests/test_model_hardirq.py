"""Lines: what each flow does with devices that signal at awkward moments, as kernel/irq/chip.c has it."""

import pytest

from modelprograms import program
from modelworlds import TICKLESS
from tophalf import vocab
from tophalf.compiled import jit_is_enabled
from tophalf.judge import laws
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.ground.kmsg import LOG_NOBODY_CARED
from tophalf.model.irq.builddevices import add_device, add_threaded_action
from tophalf.model.table import event_table

pytestmark = pytest.mark.kernels
HANDLER_NS = 1000


def world(flow, times, acknowledge=HANDLER_NS, result=f.IRQ_HANDLED, entry_ns=200):
    """One device that signals at `times`; its handler takes HANDLER_NS, acknowledging after so many ns (None: never)."""
    builder = Builder(1, nohz=TICKLESS, costs={"irq_entry": entry_ns})
    desc = builder.irq(24, flow=flow)
    device = add_device(builder, "device", desc, flow != f.FLOW_EDGE, ("times", times))
    steps = [(ops.OP_SPEND_NS, HANDLER_NS)]
    if acknowledge is not None:
        steps = [(ops.OP_SPEND_NS, acknowledge), (ops.OP_DEVICE_ACK, device), (ops.OP_SPEND_NS, HANDLER_NS - acknowledge)]
    builder.action(desc, "device", program(builder, *steps, (ops.OP_RET, result)))
    return builder, desc


def calls(builder, desc, until_ns=1_000_000):
    """(how often the line was counted, unhandled ones), after checking the laws on the trace."""
    ran = builder.world(trace_rows=1000)
    ran.run(until_ns)
    assert all(verdict.holds for verdict in laws.judge(event_table(ran)))
    return int(ran.memory[desc + f.D_COUNT]), int(ran.memory[desc + f.D_UNHANDLED])


def test_an_edge_line_keeps_one_more_event_however_many_come():
    assert calls(*world(f.FLOW_EDGE, [0, 300, 400, 500, 600, 700])) == (2, 0)


@pytest.mark.parametrize("flow", [f.FLOW_LEVEL, f.FLOW_FASTEOI])
def test_a_level_line_that_is_asserted_already_sends_nothing_more(flow):
    # at 100 the interrupt is being entered, at 400 its handler runs: the device has not been heard yet
    assert calls(*world(flow, [0, 100, 400])) == (1, 0)


@pytest.mark.parametrize("flow", [f.FLOW_LEVEL, f.FLOW_FASTEOI])
def test_a_level_line_asserted_again_comes_again_after_its_handler(flow):
    assert calls(*world(flow, [0, 700], acknowledge=300)) == (2, 0)


@pytest.mark.parametrize("flow", [f.FLOW_LEVEL, f.FLOW_FASTEOI])
def test_a_level_line_that_is_never_acknowledged_storms(flow):
    count, _ = calls(*world(flow, [0], acknowledge=None), until_ns=120_000)
    assert count == 100  # one each 1,200 ns


@pytest.mark.parametrize("flow", [f.FLOW_EDGE, f.FLOW_LEVEL, f.FLOW_FASTEOI])
def test_what_came_while_a_line_was_disabled_comes_once_when_it_is_enabled(flow):
    builder, desc = world(flow, [10_000, 20_000, 30_000], acknowledge=300)
    off, on, sleep = (ops.OP_DISABLE_IRQ, desc), (ops.OP_ENABLE_IRQ, desc), (ops.OP_SLEEP, 50_000)
    builder.task("task", 0, program(builder, off, off, sleep, on, sleep, on, (ops.OP_EXIT,)))
    ran = builder.world()
    ran.run(99_000)
    assert ran.memory[desc + f.D_COUNT] == 0 and ran.memory[desc + f.D_DEPTH] == 1
    ran.run(200_000)
    assert ran.memory[desc + f.D_COUNT] == 1 and ran.memory[desc + f.D_DEPTH] == 0
    assert not ran.memory[desc + f.D_STATE] & (f.IRQ_PENDING | f.IRQ_MASKED | f.IRQ_DISABLED)


def threaded(answer, times):
    """A ONESHOT level line whose thread takes 20 µs, acknowledges and answers."""
    builder = Builder(1, nohz=TICKLESS)
    desc = builder.irq(24, flow=f.FLOW_LEVEL)
    device = add_device(builder, "sensor", desc, True, ("times", times))
    thread = program(builder, (ops.OP_SPEND_NS, 20_000), (ops.OP_DEVICE_ACK, device), (ops.OP_RET, answer))
    add_threaded_action(builder, desc, "sensor", thread, oneshot=True)
    return builder, desc


def test_a_oneshot_line_stays_masked_until_its_thread_is_done():
    # asserted from 0 on; what comes while the thread works is acknowledged by it
    assert calls(*threaded(f.IRQ_HANDLED, [0, 5_000, 10_000, 50_000])) == (2, 0)


def test_what_a_thread_answered_is_judged_at_the_next_interrupt():
    times = list(range(0, 1_000_000, 50_000))
    assert calls(*threaded(f.IRQ_HANDLED, times))[1] == 0
    assert calls(*threaded(f.IRQ_NONE, times)) == (len(times), len(times) - 1)


def test_every_action_of_a_shared_line_runs_and_one_answer_is_enough():
    builder, desc = world(f.FLOW_LEVEL, [0, 100_000])
    builder.action(desc, "other", program(builder, (ops.OP_RET, f.IRQ_NONE)))
    ran = builder.world(trace_rows=100)
    ran.run(200_000)
    table = event_table(ran)
    entered = [table.text(int(name)) for name, kind in zip(table.name, table.kind, strict=True) if kind == vocab.IRQ_HANDLER_ENTRY]
    assert entered == ["device", "other"] * 2
    assert ran.memory[desc + f.D_UNHANDLED] == 0


@pytest.mark.skipif(not jit_is_enabled(), reason="a hundred thousand interrupts need the compiled engine")
def test_a_line_that_nobody_cares_for_is_shut_off():
    builder, desc = world(f.FLOW_LEVEL, [0], acknowledge=None, result=f.IRQ_NONE)
    ran = builder.world()
    ran.run(10**9)
    m = ran.memory
    assert m[desc + f.D_COUNT] == 100_000
    assert m[desc + f.D_STATE] & f.IRQ_SPURIOUS_DISABLED and m[desc + f.D_DEPTH] == 1
    assert list(m[m[f.G_LOG] : m[f.G_LOG] + 4]) == [100_000 * 1200, 0, LOG_NOBODY_CARED, 24]
