"""Contexts: frames, preempt_count with the kernel's bit fields, time that goes to who ran, the end of the stack."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkedmemory import check_memory, put_guards
from modelprograms import at_times, busy, program, run
from tophalf import vocab
from tophalf.compiled import jit_is_enabled
from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.sched.contexts import charge, in_interrupt
from tophalf.model.sched.fair import update_curr, weight_of_nice

pytestmark = pytest.mark.kernels


def test_bit_fields_are_those_of_preempt_h():
    # include/linux/preempt.h: PREEMPT 8 bits, SOFTIRQ 8, HARDIRQ 4, NMI 4
    assert (f.SOFTIRQ_OFFSET, f.HARDIRQ_OFFSET, f.NMI_OFFSET) == (1 << 8, 1 << 16, 1 << 20)
    assert (f.SOFTIRQ_MASK, f.HARDIRQ_MASK, f.NMI_MASK) == (0xFF << 8, 0xF << 16, 0xF << 20)


@pytest.mark.parametrize("count, inside", [(0, False), (1, False), (0x100, True), (0x200, True), (0x10000, True), (0x100000, True)])
def test_in_interrupt_is_true_with_bottom_halves_off_too(count, inside):
    world = Builder(1).world()
    cpu = world.builder.cpus[0]
    world.memory[cpu + f.C_PREEMPT_COUNT] = count
    assert bool(in_interrupt(world.memory, cpu)) == inside


def test_an_interrupt_within_a_softirq_within_a_task_takes_its_own_time():
    # The task is interrupted at 10 µs for 5 µs; its softirq takes 20 µs, and is interrupted at 20 µs for 5 µs
    builder = Builder(1)
    m = builder.memory
    m[m[f.G_ACTIONS] + vocab.BLOCK] = program(builder, (ops.OP_SPEND_NS, 20_000), (ops.OP_RET,))
    busy(builder)
    at_times(builder, 24, [10_000], (ops.OP_SPEND_NS, 5000), (ops.OP_RAISE, vocab.BLOCK))
    at_times(builder, 25, [20_000], (ops.OP_SPEND_NS, 5000))
    world, table = run(builder, 100_000)
    times = [int(world.memory[builder.cpus[0] + f.C_TIMES + part]) for part in range(f.CLASSES)]
    assert (times[f.HARDIRQ], times[f.SOFTIRQ], times[f.TASK]) == (10_000, 20_000, 70_000)
    inner = [int(flags) & 0x18 for flags in table.flags[table.kind == vocab.IRQ_HANDLER_ENTRY]]
    assert inner == [vocab.FLAG_HARDIRQ, vocab.FLAG_HARDIRQ | vocab.FLAG_SOFTIRQ]


def test_system_calls_and_faults_are_counted_and_cost():
    builder = Builder(1, costs={"syscall": 100, "page_fault": 1000})
    inside = program(builder, (ops.OP_SPEND_NS, 10), (ops.OP_RET,))
    calls = [(ops.OP_SYSCALL, inside), (ops.OP_SYSCALL, inside), (ops.OP_FAULT, inside)]
    builder.task("app", 0, program(builder, *calls, (ops.OP_EXIT,)))
    world, _ = run(builder, 100_000)
    m = world.memory
    assert (int(m[f.G_SYSCALLS]), int(m[f.G_FAULTS])) == (2, 1)
    assert int(m[builder.cpus[0] + f.C_TIMES + f.TASK]) == 2 * 110 + 1010


def test_calls_that_never_return_end_in_words():
    builder = Builder(1)
    builder.task("app", 0, program(builder, (ops.OP_SPEND_NS, 1), (ops.OP_CALL, "start")))
    with pytest.raises(TophalfError, match="FRAMES_MAX"):
        builder.world().run(1_000_000)


@pytest.mark.parametrize("place", ["task", "handler", "softirq"])
def test_calls_at_no_cost_that_never_return_end_at_once(place, monkeypatch):
    """Not only when time would pass: nothing runs on in frames that overwrite one another."""
    put_guards(monkeypatch)
    builder = Builder(1)
    endless = program(builder, (ops.OP_CALL, "start"))
    if place == "task":
        builder.task("app", 0, endless)
    elif place == "handler":
        at_times(builder, 24, [1000], (ops.OP_CALL, endless))
    else:
        builder.memory[builder.memory[f.G_ACTIONS] + vocab.TASKLET] = endless
        at_times(builder, 24, [1000], (ops.OP_RAISE, vocab.TASKLET))
    world = builder.world(trace_rows=100)
    if not jit_is_enabled():
        check_memory(world)
    with pytest.raises(TophalfError, match="FRAMES_MAX"):
        world.run(1_000_000)
    m, cpu = world.memory, builder.cpus[0]
    assert m[cpu + f.C_FRAME] == m[cpu + f.C_CURRENT] + f.K_STACK + (f.FRAMES_MAX - 1) * f.FRAME_SIZE
    assert (world.now_ns, m[m[cpu + f.C_FRAME] + f.F_PC]) == (0 if place == "task" else 1000, endless)


def test_a_checked_memory_refuses_what_compiled_code_would_do(monkeypatch):
    if jit_is_enabled():
        return  # memory is an array then
    put_guards(monkeypatch)
    world = Builder(1).world()
    check_memory(world)
    m, frame, last = world.memory, world.builder.cpus[0] + f.C_FRAME, max(world.builder.memory.guards)
    for index in (-1, last, len(m)):
        with pytest.raises(IndexError):
            m[index] += 1
    for index, value in ((frame, m[frame] - f.FRAME_SIZE), (frame, m[frame] + 1), (f.G_HEAP_COUNT, last)):
        with pytest.raises(AssertionError):
            m[index] = value
    m[frame] += f.FRAME_SIZE  # there is room for more than the first


@given(st.integers(-20, 19), st.lists(st.integers(0, 10**7), min_size=1, max_size=20))
def test_virtual_time_follows_when_it_is_looked_at_and_not_piece_by_piece(nice, pieces):
    builder = Builder(1)
    task = busy(builder, priority=nice)
    world = builder.world()
    world.run(1)
    m, cpu = world.memory, builder.cpus[0]
    before = int(m[task + f.K_VRUNTIME])
    for piece in pieces:
        m[f.G_NOW] += piece
        charge(m, cpu)
    assert int(m[task + f.K_RUNTIME]) == 1 + sum(pieces)
    assert int(m[task + f.K_VRUNTIME]) == before
    update_curr(m, cpu, task)
    assert int(m[task + f.K_VRUNTIME]) == before + (1 + sum(pieces)) * 1024 // weight_of_nice(nice)


def test_what_is_interrupted_keeps_what_is_left_of_it():
    builder = Builder(1)
    builder.task("app", 0, program(builder, (ops.OP_SPEND_NS, 50_000), (ops.OP_EXIT,)))
    at_times(builder, 24, [10_000, 20_000, 30_001], (ops.OP_SPEND_NS, 7000))
    _, table = run(builder, 200_000)
    ends = table.time_ns[(table.kind == vocab.SCHED_SWITCH) & (table.b == f.DEAD)].tolist()
    assert ends == [50_000 + 3 * 7000]
