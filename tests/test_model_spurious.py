"""Interrupts that nobody handles: counted, shut off, polled; kernel/irq/spurious.c. The counters begin near their limits."""

import pytest

from modelprograms import program, times_of
from modelworlds import TICKLESS
from tophalf import vocab
from tophalf.judge import laws
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.ground.kmsg import LOG_DISABLING_IRQ, LOG_NOBODY_CARED
from tophalf.model.irq.builddevices import add_device
from tophalf.model.table import event_table

pytestmark = pytest.mark.kernels


def unhandled(flow, times, counted, missed, flags=f.IRQF_SHARED, heals=False):
    """A device whose handler says that it was not it, with the line's counters set. Returns (world, desc)."""
    builder = Builder(1, nohz=TICKLESS)
    desc = builder.irq(24, flow=flow)
    device = add_device(builder, "card", desc, flow != f.FLOW_EDGE, ("times", times))
    steps = [(ops.OP_SPEND_NS, 1000), (ops.OP_DEVICE_ACK, device)]
    builder.action(desc, "card", program(builder, *steps, (ops.OP_RET, f.IRQ_HANDLED if heals else f.IRQ_NONE)), flags=flags)
    world = builder.world(1000)
    world.memory[desc + f.D_SPURIOUS_COUNT], world.memory[desc + f.D_UNHANDLED] = counted, missed
    return world, desc


def log_of(m):
    first = int(m[f.G_LOG])
    return [tuple(int(word) for word in m[first + 4 * line + 2 : first + 4 * line + 4]) for line in range(int(m[f.G_LOG_COUNT]))]


@pytest.mark.parametrize("flow", [f.FLOW_EDGE, f.FLOW_LEVEL, f.FLOW_FASTEOI])
def test_a_line_is_shut_off_at_the_100_000th_when_99_901_were_not_handled(flow):
    world, desc = unhandled(flow, [1000, 5000, 9000, 13_000], 99_998, 99_899)
    world.run(50_000)
    m = world.memory
    assert m[desc + f.D_COUNT] == 2 and m[desc + f.D_DEPTH] == 1
    assert m[desc + f.D_STATE] & f.IRQ_SPURIOUS_DISABLED and m[desc + f.D_STATE] & f.IRQ_MASKED  # by the third, not counted
    assert log_of(m) == [(LOG_NOBODY_CARED, 24), (LOG_DISABLING_IRQ, 24)]


def test_disabling_is_lazy_here_too():
    world, desc = unhandled(f.FLOW_FASTEOI, [1000], 99_999, 99_900)
    world.run(50_000)
    assert world.memory[desc + f.D_STATE] == f.IRQ_SPURIOUS_DISABLED | f.IRQ_DISABLED


@pytest.mark.parametrize("missed", [0, 99_898])
def test_a_hundred_handled_ones_save_the_line(missed):
    world, desc = unhandled(f.FLOW_EDGE, [1000, 5000, 9000], 99_998, missed)
    world.run(50_000)
    m = world.memory
    assert m[desc + f.D_COUNT] == 3 and m[desc + f.D_DEPTH] == 0
    assert m[desc + f.D_UNHANDLED] == 1  # counted anew since the 100,000th


def test_handled_ones_do_not_count_before_one_was_not():
    world, desc = unhandled(f.FLOW_EDGE, [1000, 5000], 0, 0, heals=True)
    world.run(50_000)
    assert world.memory[desc + f.D_SPURIOUS_COUNT] == 0 == world.memory[desc + f.D_UNHANDLED]


def test_those_more_than_a_tenth_of_a_second_apart_do_not_add_up():
    world, desc = unhandled(f.FLOW_EDGE, [1000, 90_000_000, 200_000_000], 0, 0)
    world.run(150_000_000)
    assert world.memory[desc + f.D_UNHANDLED] == 2
    world.run(250_000_000)
    assert world.memory[desc + f.D_UNHANDLED] == 1


def test_a_shared_line_that_was_shut_off_is_polled_ten_times_a_second():
    world, desc = unhandled(f.FLOW_LEVEL, [1000], 99_999, 99_900)
    world.run(350_000_000)
    table = event_table(world)
    polls = times_of(table, vocab.IRQ_HANDLER_ENTRY)[1:]
    assert polls == [104_000_000, 208_000_000, 312_000_000]  # HZ/10, and a tick, as timers of the wheel are never early
    assert world.memory[desc + f.D_COUNT] == 1  # /proc/interrupts does not see them
    contexts = table.flags[table.kind == vocab.IRQ_HANDLER_ENTRY][1:]
    assert all(flags & vocab.FLAG_SOFTIRQ and flags & vocab.FLAG_IRQS_OFF and not flags & vocab.FLAG_HARDIRQ for flags in contexts)


def test_a_line_of_one_driver_alone_is_not_polled():
    world, _ = unhandled(f.FLOW_LEVEL, [1000], 99_999, 99_900, flags=0)
    world.run(350_000_000)
    assert len(times_of(event_table(world), vocab.IRQ_HANDLER_ENTRY)) == 1


def test_the_laws_hold_on_a_line_that_is_shut_off():
    world, _ = unhandled(f.FLOW_LEVEL, [1000, 5000], 99_999, 99_900)
    world.run(50_000)
    assert all(verdict.holds for verdict in laws.judge(event_table(world)))
