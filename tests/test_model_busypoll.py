"""Tasks that busy poll: exact times, who owns the instance, what the end of a loop leaves behind."""

import pytest

from modelprograms import at_times, busy, program, run, times_of
from modelworlds import add_napi
from stackworlds import latencies_of, stack_world
from tophalf import vocab
from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.assemble.world import assemble
from tophalf.model.build import Builder
from tophalf.model.net import driverfields as b
from tophalf.model.net import driverops as d
from tophalf.model.net.builddriver import USECS_MAX, add_busy_reader, add_napi_thread, let_socket_busy_poll, read_program
from tophalf.scenario.load import read_scenario

pytestmark = pytest.mark.kernels
COSTS = {"irq_entry": 200, "irq_exit": 100, "syscall": 150}


def reading(arrivals, usecs=USECS_MAX, prefer=False, budget=8, work=700, defer=0, flush=0, begins=0, **machine):
    """A reader of a queue: a poll takes 300 ns, a packet 1 µs, a round of the loop 50 ns. Returns (Builder, queue, reader)."""
    builder = Builder(1, costs=COSTS, **machine)
    queue = add_napi(builder, 30, "eth0", arrivals, 1000, "times", poll=300)
    builder.memory[builder.napis[0] + f.N_DEFER], builder.memory[builder.napis[0] + f.N_FLUSH_NS] = defer, flush
    reader = add_busy_reader(builder, builder.napis[0], queue + f.Q_DELIVERED, builder.cost(50, "loop"), usecs, prefer, budget)
    body = [(ops.OP_SYSCALL, read_program(builder, reader)), (d.OP_READER_TAKE, reader), (ops.OP_SPEND_NS, work)]
    builder.task("reader", 0, program(builder, (ops.OP_SPEND_NS, begins), "again", *body, (ops.OP_JUMP, "again")))
    return builder, queue, reader


def polls(table):
    """[(time, packets)]."""
    rows = table.kind == vocab.NAPI_POLL
    return list(zip(table.time_ns[rows].tolist(), table.b[rows].tolist(), strict=True))


def test_a_read_polls_until_data_comes_and_once_more_to_unmask():
    # Begins at 1000 and the system call's 150: polls end 300 later, the next begins 50 after
    builder, queue, reader = reading([1500], begins=1000)
    world, table = run(builder, 4400)
    assert polls(table) == [
        (1450, 0),  # 1150 to 1450; waits until 1500, when the interrupt comes: 300
        (1800 + 300 + 1000, 1), (3400, 0),  # and again to unmask; then 700 of work, and 150 into the kernel
    ]  # fmt: skip
    assert times_of(table, vocab.IRQ_HANDLER_ENTRY) == [1700]
    assert int(world.memory[queue + f.Q_LATENCY_SUM]) == 3100 - 1500
    assert [int(world.memory[reader + field]) for field in (b.B_POLLS, b.B_PACKETS, b.B_TAKEN)] == [3, 1, 1]


def test_polls_are_told_in_the_task_with_bottom_halves_and_preemption_off():
    builder, _, _ = reading([1500], begins=1000)
    _, table = run(builder, 4000)
    rows = table.kind == vocab.NAPI_POLL
    assert set(table.flags[rows].tolist()) == {vocab.FLAG_BH_OFF}
    assert table.preempt[rows].tolist() == [1, 1, 1]
    assert set(table.c[rows].tolist()) == {8}


def test_each_loop_that_ends_costs_an_interrupt():
    builder, queue, _ = reading([2000, 5000, 8000], begins=1000, work=10)
    world, table = run(builder, 12_000)
    assert int(world.memory[queue + f.Q_DELIVERED]) == 3
    assert len(times_of(table, vocab.IRQ_HANDLER_ENTRY)) == 3  # each packet ends a loop, and the next one's first interrupts
    assert not times_of(table, vocab.SOFTIRQ_RAISE)  # MISSED, and cleared


def test_preferred_with_deferral_the_queue_stays_masked_between_reads():
    builder, queue, _ = reading([2000, 5000, 8000], begins=1000, work=10, prefer=True, defer=100, flush=50_000)
    world, table = run(builder, 12_000)
    assert int(world.memory[queue + f.Q_DELIVERED]) == 3
    assert times_of(table, vocab.IRQ_HANDLER_ENTRY) == [2200]  # only the first, before anything had masked it
    assert not times_of(table, vocab.SOFTIRQ_RAISE)


def test_a_reader_that_does_not_come_back_leaves_its_queue_to_the_timer():
    # After the data of 2000 it works for long. 50 µs after its last poll the softirq takes over
    builder, queue, _ = reading([2000, 20_000], begins=1000, work=10**9, prefer=True, defer=1, flush=50_000)
    _, table = run(builder, 200_000)
    last = polls(table)[-3:]
    stopped_ns = [time for time, _ in polls(table) if time < 20_000][-1]
    assert times_of(table, vocab.VECTOR_ENTRY, a=0xEC)[0] == stopped_ns + 50_000 + 200  # completed at the end of the poll
    raised_ns = times_of(table, vocab.SOFTIRQ_RAISE)[0]
    assert raised_ns == stopped_ns + 50_200
    assert [packets for _, packets in last] == [0, 1, 0]  # its last one; the softirq's; one more deferred, which finds nothing
    assert last[1][0] == raised_ns + 100 + 300 + 1000


def test_its_time_is_up_after_busy_read_in_units_of_1024_ns():
    builder, _, _ = reading([50_000], usecs=2, begins=1024, work=100_000)
    _, table = run(builder, 20_000)
    # From 1174 (unit 1): over when the clock says 4, that is from 4096 on: polls end at 1474, 1824 ... 4274; one more to unmask
    assert polls(table) == [(time, 0) for time in (*range(1474, 4275, 350), 4574)]


def test_another_task_that_waits_gets_the_cpu_after_a_poll():
    builder, _, _ = reading([10**9], begins=1000)
    waits = busy(builder, "rt", policy=f.FIFO, priority=1, asleep=True)
    at_times(builder, 24, [2000], (ops.OP_WAKE, waits))
    world, table = run(builder, 10_000)
    # Polls end at 1450, 1800; that from 1850 on at 2150 + 300 of the interrupt, one more to unmask
    assert times_of(table, vocab.SCHED_SWITCH, a=int(world.memory[waits + f.K_PID])) == [2750]
    assert int(world.memory[builder.napis[0] + f.N_STATE]) == 0


def test_a_last_poll_of_the_whole_budget_hands_over_to_the_softirq():
    # Two packets a poll: two end the loop, two more are taken by the last poll, which was as many as it may
    builder, _, _ = reading([1200] * 5, begins=1000, budget=2, work=100_000)
    _, table = run(builder, 20_000)
    assert [packets for _, packets in polls(table)] == [2, 2, 1]
    assert len(times_of(table, vocab.SOFTIRQ_RAISE)) == 1


def test_who_owns_the_instance_is_not_disturbed_but_asked_to_let_it_go():
    # A thread on CPU 1 polls full weights. After the one in which the reader on CPU 0 asks, it completes, and a timer is set
    builder = Builder(1, cpus=2, costs=COSTS)
    queue = add_napi(builder, 30, "eth0", [1000] * 200, 1000, "times", poll=300)
    napi = builder.napis[0]
    builder.memory[napi + f.N_DEFER], builder.memory[napi + f.N_FLUSH_NS] = 1, 1_000_000
    add_napi_thread(builder, napi, 1)
    reader = add_busy_reader(builder, napi, queue + f.Q_DROPPED, builder.cost(50, "loop"), prefer=True)
    call = read_program(builder, reader)
    builder.task("reader", 0, program(builder, (ops.OP_SLEEP, 10_000), (ops.OP_SYSCALL, call), (ops.OP_EXIT,)))
    world, table = run(builder, 300_000)
    found = [(cpu, work) for cpu, kind, work in zip(table.cpu.tolist(), table.kind.tolist(), table.b.tolist(), strict=True)
             if kind == vocab.NAPI_POLL]  # fmt: skip
    assert found[:19] == [(1, 64), *[(0, 8)] * 17, (0, 0)]
    assert int(world.memory[reader + b.B_LOST]) > 0
    assert int(world.memory[queue + f.Q_DELIVERED]) == 200


# Sockets


def test_a_read_of_a_socket_polls_the_device_that_its_first_packet_came_from():
    builder, queue = stack_world([1000, 50_010], readers=(0,), machine={"cpus": 1})
    reader = let_socket_busy_poll(builder, builder.sockets[0], builder.cost(50, "loop"), USECS_MAX)
    world, table = run(builder, 60_000)
    # Unknown so far: it sleeps. 1100 packet, 2100 protocols, woken, 2400 read. Then polls from 4400 on, every 50
    assert times_of(table, vocab.SCHED_WAKING) == [2100]
    assert polls(table)[:3] == [(2100, 1), (4400, 0), (4450, 0)]
    # The packet interrupts, is taken by the poll from 50,050 on: 100, told; 1000 of protocols; once more to unmask; 300 to read
    assert (50_150, 1) in polls(table) and (51_150, 0) in polls(table)
    assert latencies_of(world, queue) == {2400 - 1000 & ~15: 1, 51_450 - 50_010 & ~15: 1}
    assert int(world.memory[reader + b.B_NAPI]) == builder.napis[0]


def test_when_its_time_is_up_the_read_sleeps():
    builder, _ = stack_world([1000, 100_000], readers=(0,), machine={"cpus": 1})
    let_socket_busy_poll(builder, builder.sockets[0], builder.cost(50, "loop"), 5)
    _, table = run(builder, 110_000)
    # Polls from 4400 (unit 4) on; over when the clock is at 10, that is at 10,240: the first round that ends then
    slept = times_of(table, vocab.SCHED_SWITCH, a=0)
    assert slept[1] == 10_250
    assert times_of(table, vocab.SCHED_WAKING) == [2100, 101_100]


def test_what_gro_holds_is_held_until_the_loop_ends():
    # napi_complete_done returns before it flushes where a task busy polls; the next poll but the last finds nothing to add
    builder, queue = stack_world([1000, 20_010], readers=(0,), machine={"cpus": 1}, segments=64)
    let_socket_busy_poll(builder, builder.sockets[0], builder.cost(50, "loop"), 30)
    world, table = run(builder, 60_000)
    # From 4400 (unit 4): over at unit 35, 35,840, in the round that ends at 35,850 or after; the packet took 100 of one
    assert [time for time, packets in polls(table) if packets] == [2100, 20_150]
    assert (35_850 + 1000, 0) in polls(table)  # the last poll completes, so the protocols have it before it is told
    assert latencies_of(world, queue) == {1392: 1, (36_850 + 300 - 20_010) >> 8 << 8: 1}


@pytest.mark.parametrize("text, key", [
    ('[[nic]]\nrate = 9\nmode = "each"\n[[app]]\nbusy_read = 50', "busy_read"),
    ("[[nic]]\nrate = 9\n[[app]]\nprefer_busy_poll = true", "prefer_busy_poll"),
])  # fmt: skip
def test_reads_that_cannot_poll_are_refused(text, key):
    with pytest.raises(TophalfError) as caught:
        assemble(read_scenario(text, "x.toml"), 1)
    assert key in caught.value.where
