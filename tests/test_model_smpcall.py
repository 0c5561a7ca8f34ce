"""Calls of functions on other CPUs: once, in order, in an interrupt there."""

import pytest

from modelprograms import at_times, program, run, times_of
from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.cpu.ipi import CALL_FUNCTION_SINGLE_VECTOR
from tophalf.model.cpu.smpcall import call_on
from tophalf.model.irq.builddevices import add_call

pytestmark = pytest.mark.kernels


def world_of_two(costs=None):
    builder = Builder(1, cpus=2, costs=costs or {"ipi": 700})
    calls = [add_call(builder, program(builder, (ops.OP_RAISE, vector), (ops.OP_RET,))) for vector in (vocab.BLOCK, vocab.SCHED)]
    at_times(builder, 24, [1000])  # something that makes CPU 0 run
    return builder, calls


def test_calls_run_in_their_order_in_one_interrupt():
    builder, calls = world_of_two()
    world = builder.world(1000)
    for csd in calls:
        assert call_on(world.memory, builder.cpus[1], csd)
    assert not call_on(world.memory, builder.cpus[1], calls[0])  # it waits already
    world.run(10_000)
    from tophalf.model.table import event_table

    table = event_table(world)
    assert times_of(table, vocab.VECTOR_ENTRY, a=CALL_FUNCTION_SINGLE_VECTOR, cpu=1) == [700]
    assert table.a[table.kind == vocab.SOFTIRQ_RAISE].tolist() == [vocab.BLOCK, vocab.SCHED]


def test_a_call_made_in_a_call_has_an_interrupt_of_its_own():
    builder, calls = world_of_two()
    m = builder.memory
    m[calls[0] + f.CSD_PROGRAM] = program(builder, (ops.OP_RAISE, vocab.BLOCK), (ops.OP_SPEND_NS, 5000), (ops.OP_RET,))
    world = builder.world(1000)
    call_on(world.memory, builder.cpus[1], calls[0])
    world.run(2000)
    assert call_on(world.memory, builder.cpus[1], calls[1])
    world.run(20_000)
    assert world.memory[builder.irqs[-CALL_FUNCTION_SINGLE_VECTOR] + f.D_COUNT] == 2


def test_nothing_is_asked_of_a_cpu_that_is_offline():
    builder, calls = world_of_two()
    builder.memory[builder.cpus[1] + f.C_ONLINE] = 0
    world, _ = run(builder, 1000)
    assert not call_on(world.memory, builder.cpus[1], calls[0])
