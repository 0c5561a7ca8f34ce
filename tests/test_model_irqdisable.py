"""Disabling, enabling, resending and waiting for handlers, as kernel/irq/manage.c and resend.c have it."""

import pytest

from modelprograms import at_times, program, run, times_of
from modelworlds import TICKLESS
from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.ground.kmsg import LOG_UNBALANCED_ENABLE
from tophalf.model.irq import manageops as mops
from tophalf.model.irq.builddevices import add_device, add_threaded_action

pytestmark = pytest.mark.kernels


def machine(cpus=1, **how):
    return Builder(1, cpus=cpus, nohz=TICKLESS, **how)


def entries(table, irq):
    return times_of(table, vocab.IRQ_HANDLER_ENTRY, a=irq)


def test_disabling_is_lazy_and_nests():
    builder = machine()
    desc = at_times(builder, 24, [10_000, 20_000], (ops.OP_SPEND_NS, 100))
    off, on = (ops.OP_DISABLE_IRQ, desc), (ops.OP_ENABLE_IRQ, desc)
    builder.task("task", 0, program(builder, off, off, (ops.OP_SLEEP, 15_000), on, (ops.OP_SLEEP, 15_000), on, (ops.OP_EXIT,)))
    world = builder.world(1000)
    world.run(5_000)
    m = world.memory
    assert m[desc + f.D_STATE] == f.IRQ_DISABLED and m[desc + f.D_DEPTH] == 2  # marked only
    world.run(12_000)
    assert m[desc + f.D_STATE] == f.IRQ_DISABLED | f.IRQ_MASKED | f.IRQ_PENDING  # the first that came masked it
    world.run(25_000)
    assert m[desc + f.D_HELD] == 1 and m[desc + f.D_COUNT] == 0  # the second waits in the device
    world.run(100_000)
    assert m[desc + f.D_COUNT] == 1 and m[desc + f.D_STATE] == 0


def test_an_edge_is_sent_again_as_a_replay_and_comes_through_at_once():
    builder = machine()
    desc = at_times(builder, 24, [10_000], (ops.OP_SPEND_NS, 100))
    task = program(builder, (ops.OP_DISABLE_IRQ, desc), (ops.OP_SLEEP, 50_000), (ops.OP_IRQS_OFF,), (ops.OP_ENABLE_IRQ, desc),
                   (ops.OP_SPEND_NS, 1000), (ops.OP_IRQS_ON,), (ops.OP_EXIT,))  # fmt: skip
    builder.task("task", 0, task)
    world = builder.world(1000)
    world.run(50_500)
    assert world.memory[desc + f.D_STATE] == f.IRQ_REPLAY
    world.run(100_000)
    assert world.memory[desc + f.D_STATE] == 0 and world.memory[desc + f.D_COUNT] == 1


def test_while_a_replay_is_under_way_nothing_is_sent_again():
    builder = machine()
    desc = builder.irq(24)
    builder.action(desc, "card", program(builder, (ops.OP_RET, f.IRQ_HANDLED)))
    world = builder.world()
    world.memory[desc + f.D_STATE] = f.IRQ_REPLAY | f.IRQ_PENDING | f.IRQ_DISABLED
    world.memory[desc + f.D_DEPTH] = 1
    from tophalf.model.irq.manage import ENABLE_IRQ, command

    command(world.memory, ENABLE_IRQ, desc)
    assert world.memory[desc + f.D_STATE] == f.IRQ_REPLAY | f.IRQ_PENDING  # -EBUSY


def test_a_level_line_is_never_sent_again():
    builder = machine()
    desc = builder.irq(24, flow=f.FLOW_LEVEL)
    device = add_device(builder, "card", desc, True, ("times", [10_000]))
    builder.action(desc, "card", program(builder, (ops.OP_DEVICE_ACK, device), (ops.OP_RET, f.IRQ_HANDLED)))
    # somebody else acknowledges the device while the line is disabled: nothing is left to handle
    task = program(builder, (ops.OP_DISABLE_IRQ, desc), (ops.OP_SLEEP, 50_000), (ops.OP_DEVICE_ACK, device),
                   (ops.OP_ENABLE_IRQ, desc), (ops.OP_EXIT,))  # fmt: skip
    builder.task("task", 0, task)
    world, table = run(builder, 100_000)
    assert entries(table, 24) == [] and world.memory[desc + f.D_STATE] == 0


def test_an_enable_too_many_is_told_and_changes_nothing():
    builder = machine()
    desc = at_times(builder, 24, [10_000])
    builder.task("task", 0, program(builder, (ops.OP_ENABLE_IRQ, desc), (ops.OP_EXIT,)))
    world, table = run(builder, 20_000)
    m = world.memory
    assert entries(table, 24) == [10_000] and m[desc + f.D_DEPTH] == 0
    assert m[f.G_LOG_COUNT] == 1 and list(m[m[f.G_LOG] + 2 : m[f.G_LOG] + 4]) == [LOG_UNBALANCED_ENABLE, 24]


def test_synchronize_irq_waits_for_a_handler_on_another_cpu():
    builder = machine(cpus=2)
    desc = at_times(builder, 24, [10_000], (ops.OP_SPEND_NS, 30_000), cpu=1)
    done = at_times(builder, 25, [])
    task = program(builder, (ops.OP_SPEND_NS, 20_000), (ops.OP_DISABLE_IRQ, desc), (mops.OP_SYNCHRONIZE_IRQ, desc),
                   (mops.OP_PERCPU_TRIGGER, done), (ops.OP_SPEND_NS, 1000), (ops.OP_EXIT,))  # fmt: skip
    builder.task("task", 0, task)
    _, table = run(builder, 100_000)
    assert 40_000 <= entries(table, 25)[0] <= 40_100


def test_synchronize_irq_sleeps_until_the_threads_are_done():
    builder = machine(cpus=2)
    desc = builder.irq(24, 1)
    add_device(builder, "card", desc, arrivals=("times", [10_000]))
    add_threaded_action(builder, desc, "card", program(builder, (ops.OP_SPEND_NS, 30_000), (ops.OP_RET, f.IRQ_HANDLED)))
    task = builder.task("task", 0, program(builder, (ops.OP_SPEND_NS, 20_000), (mops.OP_SYNCHRONIZE_IRQ, desc), (ops.OP_EXIT,)))
    world = builder.world()
    world.run(30_000)
    m = world.memory
    assert m[task + f.K_STATE] == f.BLOCKED and m[desc + f.D_THREADS_ACTIVE] == 1
    world.run(50_000)
    assert m[task + f.K_STATE] == f.DEAD and m[desc + f.D_THREADS_ACTIVE] == 0 == m[desc + f.D_WAITERS]


def two_cpus_one_edge(chip, others):
    """A handler of 30 µs on CPU 0 whose line is moved to CPU 1 under it, and comes there at `others`. Returns (world, table)."""
    from tophalf.model.irq.manage import SET_AFFINITY, command
    from tophalf.model.irq.managefields import M_WANTED

    builder = machine(cpus=2)
    desc = builder.irq(24, 0, affinity=(0, 1), chip=chip)
    add_device(builder, "card", desc, arrivals=("times", [10_000, *others]))
    builder.action(desc, "card", program(builder, (ops.OP_SPEND_NS, 30_000), (ops.OP_RET, f.IRQ_HANDLED)))
    world = builder.world(1000)
    world.run(11_000)
    world.memory[world.memory[world.memory[f.G_MANAGE] + M_WANTED]] = 0b10
    assert command(world.memory, SET_AFFINITY, desc) == 0
    world.run(500_000)
    return world, desc


@pytest.mark.parametrize("chip, count", [(f.CHIP_MSI, 3), (f.CHIP_IOAPIC, 2)])
def test_what_comes_to_another_cpu_meanwhile_is_kept_for_the_one_that_handles(chip, count):
    # At 20 µs CPU 1 keeps it (PENDING) and masks the line; at 25 µs a message waits in the device, an edge at the IO-APIC is lost.
    # CPU 0 lets the line through before its second round: what waited comes to CPU 1 and is kept for a third.
    world, desc = two_cpus_one_edge(chip, [20_000, 25_000])
    from tophalf.model.table import event_table

    assert times_of(event_table(world), vocab.IRQ_HANDLER_ENTRY) == [10_000 + 30_000 * number for number in range(count)]
    assert world.memory[desc + f.D_COUNT] == 1  # counted where the flow began
    assert world.memory[desc + f.D_STATE] == 0
