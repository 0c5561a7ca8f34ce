"""Masks that are refused, vectors that run out, lines of each CPU's own, threads that follow; all through orders and programs."""

import pytest

from modelprograms import program, run, times_of
from modelworlds import TICKLESS
from test_model_moves_twin import set_affinity
from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.irq import managefields as g
from tophalf.model.irq import manageops as mops
from tophalf.model.irq.builddevices import add_device, add_threaded_action
from tophalf.model.irq.matrix import VECTORS_PER_CPU
from tophalf.model.simulate import make_world
from tophalf.model.table import event_table
from tophalf.scenario.load import read_scenario

pytestmark = pytest.mark.kernels


def machine(cpus=2, **how):
    return Builder(1, cpus=cpus, nohz=TICKLESS, **how)


def returns(builder):
    return program(builder, (ops.OP_RET, f.IRQ_HANDLED))


# Refusals


@pytest.mark.parametrize("kernel, error", [("6.1", g.EIO), ("6.12", g.EPERM)])
@pytest.mark.parametrize("how", [{"managed": True}, {"nobalancing": True}], ids=str)
def test_a_mask_of_a_line_that_is_not_to_be_moved_is_refused(how, kernel, error):
    builder = machine(kernel=kernel)
    desc = builder.irq(24, None, affinity=(0,), **how)
    builder.action(desc, "card", returns(builder))
    assert set_affinity(builder.world(), desc, {1}) == -error


@pytest.mark.parametrize("kernel, error", [("6.1", g.EIO), ("6.12", g.EPERM)])
def test_a_line_of_each_cpus_own_has_no_mask(kernel, error):
    builder = machine(kernel=kernel)
    desc = builder.percpu_irq(24)
    builder.action(desc, "counter", returns(builder), flags=f.IRQF_PERCPU)
    assert set_affinity(builder.world(), desc, {1}) == -error


def test_a_program_gets_the_same_answer():
    builder = machine()
    desc = builder.irq(24, None, affinity=(0,), managed=True)
    builder.action(desc, "card", returns(builder))
    mask = builder.memory.put([0b10])
    write, refused = (mops.OP_SET_AFFINITY, desc, mask), (ops.OP_RAISE, vocab.BLOCK)
    builder.task("task", 0, program(builder, write, (ops.OP_JUMP_ZERO, f.F_R0, "good"), refused, "good", (ops.OP_EXIT,)))
    _, table = run(builder, 10_000)
    assert len(times_of(table, vocab.SOFTIRQ_RAISE, a=vocab.BLOCK)) == 1


def test_a_mask_without_a_cpu_that_is_online_is_invalid():
    line = '[machine]\ncpus = 2\n[[device]]\nname = "card"\nirq = 40\n'
    write = '[[at]]\ntime = "1ms"\nset_affinity = { irq = 40, mask = "0" }\n'
    world = make_world(read_scenario(line + write, "test.toml"), 0)
    world.run(2_000_000)
    assert [(one.error, one.why) for one in world.answers] == [(-g.EINVAL, "no CPU of it is online")]


# Vectors


def full(cpus=2, lines=VECTORS_PER_CPU, **how):
    """CPU 0 with `lines` lines, and one more on CPU 1. Returns (world, the one)."""
    builder = machine(cpus, **how)
    handler = returns(builder)
    for number in range(lines):
        builder.action(builder.irq(100 + number, 0), "card", handler)
    desc = builder.irq(24, 1)
    builder.action(desc, "card", handler)
    return builder.world(), desc


@pytest.mark.parametrize("lines, error", [(VECTORS_PER_CPU, -g.ENOSPC), (VECTORS_PER_CPU - 1, 0)])
def test_a_cpu_whose_vectors_are_all_given_takes_no_line_more(lines, error):
    world, desc = full(lines=lines)
    assert set_affinity(world, desc, {0}) == error
    assert world.memory[desc + f.D_CPU] == world.builder.cpus[0 if error == 0 else 1]


def test_without_remapping_the_write_succeeds_and_the_move_does_not():
    """irq_move_masked_irq: nobody is left to be told; the line stays where it is."""
    builder = machine(interrupt_remapping=False)
    handler = returns(builder)
    for number in range(VECTORS_PER_CPU):
        builder.action(builder.irq(100 + number, 0), "card", handler)
    desc = builder.irq(24, 1)
    add_device(builder, "card", desc, arrivals=("times", [10_000, 20_000]))
    builder.action(desc, "card", handler)
    world = builder.world(1000)
    assert set_affinity(world, desc, {0}) == 0
    world.run(30_000)
    table = event_table(world)
    assert table.cpu[table.kind == vocab.IRQ_HANDLER_ENTRY].tolist() == [1, 1]


def test_a_managed_line_has_kept_its_vector_although_the_cpu_is_full():
    builder = machine()
    handler = returns(builder)
    managed = builder.irq(24, None, affinity=(0, 1), managed=True)
    builder.action(managed, "queue", handler)
    for number in range(VECTORS_PER_CPU - 1):
        builder.action(builder.irq(100 + number, 0), "card", handler)
    world = builder.world()
    m = world.memory
    map_ = m[builder.cpus[0] + f.C_MANAGE]
    assert (m[map_ + g.P_AVAILABLE], m[map_ + g.P_MANAGED]) == (0, 1)
    assert m[managed + f.D_CPU] == builder.cpus[1]  # of equals the last: find_best_cpu_managed


# Lines of each CPU's own


def test_a_percpu_line_runs_on_two_cpus_at_once():
    builder = machine()
    desc = builder.percpu_irq(24, "counter")
    for cpu, times in ((0, [10_000, 15_000]), (1, [12_000])):
        add_device(builder, f"counter{cpu}", desc, arrivals=("times", times), cpu=cpu)
    builder.action(desc, "counter", program(builder, (ops.OP_SPEND_NS, 9_000), (ops.OP_RET, f.IRQ_HANDLED)), flags=f.IRQF_PERCPU)
    world, table = run(builder, 100_000)
    kinds = {vocab.IRQ_HANDLER_ENTRY: "in", vocab.IRQ_HANDLER_EXIT: "out"}
    events = zip(table.time_ns.tolist(), table.cpu.tolist(), table.kind.tolist(), strict=True)
    told = [(time, cpu, kinds[kind]) for time, cpu, kind in events if kind in kinds]
    assert [event for event in told if event[1] == 1] == [(12_000, 1, "in"), (21_000, 1, "out")]
    first, second = [(10_000, 0, "in"), (19_000, 0, "out")], [(19_000, 0, "in"), (28_000, 0, "out")]
    assert [event for event in told if event[1] == 0] == first + second
    m = world.memory
    assert [int(m[desc + f.D_COUNTS + cpu]) for cpu in range(2)] == [2, 1]
    assert m[desc + f.D_STATE] == 0  # handle_percpu_irq marks nothing in progress


# Threads


@pytest.mark.parametrize("remapping, cpus", [(True, [1, 1, 1]), (False, [0, 1, 1])])
def test_a_thread_follows_the_effective_mask(remapping, cpus):
    """Without remapping the first interrupt after the write still comes to the old CPU, and takes the mask along."""
    builder = machine(interrupt_remapping=remapping)
    desc = builder.irq(24, 0, affinity=(0, 1))
    add_device(builder, "card", desc, arrivals=("times", [50_000_000, 100_000_000, 150_000_000]))
    body = ((ops.OP_SPEND_NS, 1000), (ops.OP_RAISE, vocab.BLOCK), (ops.OP_RET, f.IRQ_HANDLED))
    add_threaded_action(builder, desc, "card", program(builder, *body))
    world = builder.world(1000)
    world.run(20_000_000)
    assert set_affinity(world, desc, {1}) == 0
    world.run(200_000_000)
    table = event_table(world)
    handled = table.cpu[table.kind == vocab.IRQ_HANDLER_ENTRY].tolist()
    assert handled == cpus
    # woken on the old CPU, the thread sees the new mask first and goes there before it works
    assert table.cpu[(table.kind == vocab.SOFTIRQ_RAISE) & (table.a == vocab.BLOCK)].tolist() == [1, 1, 1]
