"""The engine: the kernel's laws on what it traces, time that adds up, and counters that do not depend on how it is run."""

import pytest

from modelworlds import TICKLESS, add_napi, mixed
from tophalf.compiled import jit_is_enabled
from tophalf.judge import laws
from tophalf.model import fields as f
from tophalf.model.build import Builder
from tophalf.model.table import event_table

pytestmark = pytest.mark.kernels
MACHINES = [
    {}, {"preempt": "full"}, {"kernel": "6.1", "preempt": "none"}, {"preempt": "rt", "threadirqs": True}, {"hz": 1000}, {"hz": 100},
]  # fmt: skip
COUNTERS = (f.G_INTERRUPTS, f.G_POLLS, f.G_EVENTS, f.G_SWITCH_VOLUNTARY, f.G_SWITCH_BY_INTERRUPT)


def counters(world):
    """What was counted, as plain integers: the world's, each CPU's times, each queue's packets and latencies."""
    m, builder = world.memory, world.builder
    found = [int(m[field]) for field in COUNTERS]
    for cpu in builder.cpus:
        found += [int(m[cpu + f.C_TIMES + part]) for part in range(f.CLASSES)]
    for queue in builder.queues:
        found += [int(m[queue + field]) for field in (f.Q_DELIVERED, f.Q_DROPPED, f.Q_LATENCY_SUM, f.Q_LATENCY_MAX)]
        found += [int(count) for count in m[m[queue + f.Q_HISTOGRAM] : m[queue + f.Q_HISTOGRAM] + f.HISTOGRAM_SIZE]]
    return found


@pytest.mark.parametrize("machine", MACHINES, ids=str)
def test_the_laws_of_the_kernel_hold_on_a_bit_of_everything(machine):
    world = mixed(**machine).world(trace_rows=2000)
    world.run(40_000_000)
    verdicts = laws.judge(event_table(world), machine.get("preempt") == "rt")
    broken = {
        verdict.law.name: [violation.as_dict() for violation in verdict.violations[:3]] for verdict in verdicts if not verdict.holds
    }
    assert not broken
    assert sum(verdict.exercised for verdict in verdicts) >= 20


@pytest.mark.parametrize("machine", MACHINES, ids=str)
def test_the_time_of_each_cpu_adds_up(machine):
    world = mixed(**machine).world()
    world.run(20_000_000)
    for cpu in world.builder.cpus:
        assert sum(int(world.memory[cpu + f.C_TIMES + part]) for part in range(f.CLASSES)) == 20_000_000


@pytest.mark.parametrize("seed", range(3))
def test_slices_and_tracing_change_nothing(seed):
    whole, sliced, traced = mixed(seed).world(), mixed(seed).world(), mixed(seed).world(trace_rows=300)
    whole.run(20_000_000)
    for end_ns in (1, 77_777, 5_000_000, 12_345_678, 20_000_000):
        sliced.run(end_ns)
    traced.run(20_000_000)
    assert counters(whole) == counters(sliced) == counters(traced)
    assert sum(len(part) for part in traced.rows) == f.TRACE_ROW * int(traced.memory[f.G_EVENTS])


def test_a_seed_gives_the_same_world_and_another_seed_another():
    worlds = [mixed(seed).world() for seed in (1, 1, 2)]
    for world in worlds:
        world.run(10_000_000)
    assert worlds[0].memory_digest() == worlds[1].memory_digest() != worlds[2].memory_digest()


def test_packets_are_conserved_where_polls_are_interrupted():
    # Two queues on one CPU: a poll of one is interrupted by the other's line, and taken back from there on
    builder = Builder(5, hz=1000, costs={"irq_entry": 300, "timer_tick": 2000})
    queues = [
        add_napi(builder, 24 + i, f"eth{i}", rate, 700, "poisson", ring=32, poll=250) for i, rate in enumerate((500_000, 900_000))
    ]
    world = builder.world()
    for end_ns in range(1_000_000, 20_000_001, 1_000_000):
        world.run(end_ns)
        m = world.memory
        for queue in queues:
            waiting = m[queue + f.Q_TAIL] - m[queue + f.Q_HEAD]
            assert 0 <= waiting <= 32
            assert m[queue + f.Q_OFFERED] == m[queue + f.Q_DELIVERED] + m[queue + f.Q_DROPPED] + waiting
            cells = m[m[queue + f.Q_HISTOGRAM] : m[queue + f.Q_HISTOGRAM] + f.HISTOGRAM_SIZE]
            assert sum(int(count) for count in cells) == m[queue + f.Q_DELIVERED]
    assert m[queues[1] + f.Q_DROPPED] > 0


def test_a_line_that_signals_every_packet_starves_everything_else():
    # the chapter's example: 5 µs an interrupt, never masked; softirqs never get to deliver anything
    builder = Builder(1, nohz=TICKLESS)
    desc = builder.irq(24)
    queue = builder.queue("eth0", desc, f.MODE_EACH, 1024, builder.cost(100, "packet"), ("constant", 14_880_952))
    napi = builder.staged_napi("eth0", queue)
    builder.action(desc, "eth0", _handler(builder, queue, napi))
    world = builder.world()
    world.run(100_000_000)
    m, cpu = world.memory, builder.cpus[0]
    assert m[f.G_INTERRUPTS] <= 20_000
    assert m[cpu + f.C_TIMES + f.HARDIRQ] >= 99_990_000
    assert m[queue + f.Q_DELIVERED] == 0
    assert m[queue + f.Q_OFFERED] == m[queue + f.Q_DROPPED] + 1024


def _handler(builder, queue, napi):
    from tophalf.model import ops
    from tophalf.model.ground.program import Assembler

    code = Assembler()
    code.label("handler")
    code(ops.OP_SPEND_NS, 5000)
    code(ops.OP_RX_STAGE, queue, 0)
    code(ops.OP_NAPI_SCHEDULE, napi)
    code(ops.OP_RET, f.IRQ_HANDLED)
    return builder.program(code)["handler"]


def test_a_world_in_which_time_stands_still_ends_in_words():
    from modelprograms import program
    from tophalf.errors import TophalfError
    from tophalf.model import ops

    if not jit_is_enabled():
        return  # four million steps
    builder = Builder(1)
    builder.task("app", 0, program(builder, (ops.OP_JUMP, "start")))
    with pytest.raises(TophalfError, match="time does not pass"):
        builder.world().run(1000)


def test_an_unknown_instruction_ends_the_run_in_words():
    from tophalf.errors import TophalfError

    builder = Builder(1)
    builder.task("app", 0, builder.memory.put([255, 0, 0, 0]))
    with pytest.raises(TophalfError, match="an instruction that the engine does not know"):
        builder.world().run(1_000_000)
