"""The network stack above NAPI, by times worked out by hand: GRO, RPS, RFS, backlogs, the flow limit, sockets and readers."""

import pytest

from modelprograms import run, times_of
from stackworlds import stack_world
from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model.assemble.world import assemble
from tophalf.model.cpu.ipi import CALL_FUNCTION_SINGLE_VECTOR
from tophalf.model.machine.take import take_snapshot
from tophalf.model.net import stackfields as s
from tophalf.model.net.builddriver import add_napi_thread
from tophalf.model.net.packets import mixed
from tophalf.model.summary import packets
from tophalf.scenario.load import read_scenario

pytestmark = pytest.mark.kernels
MS = 1_000_000


def outcome(builder, queue, until_ns=MS):
    """(world, table, [delivered, lost in backlog, lost at a socket], sum of latencies)."""
    world, table = run(builder, until_ns)
    m, sink = world.memory, world.memory[queue + f.Q_SINK]
    counts = [int(m[queue + f.Q_DELIVERED]), int(m[sink + s.X_BACKLOG_DROPPED]), int(m[sink + s.X_SOCKET_DROPPED])]
    assert packets(world)["in_flight"] == m[queue + f.Q_OFFERED] - m[queue + f.Q_DROPPED] - sum(counts)
    return world, table, counts, int(m[queue + f.Q_LATENCY_SUM])


# Sockets and their readers


def test_a_reader_on_the_cpu_of_napi_waits_for_its_softirqs():
    # Taken by 1300; through the protocols by 2300, 3300, 4300, the end of the softirq; each is read for 300, served for 2000
    builder, queue = stack_world((1000, 1100, 1200), readers=(0,))
    _, table, counts, total_ns = outcome(builder, queue)
    assert counts == [3, 0, 0]
    assert times_of(table, vocab.SCHED_WAKEUP) == [2300]
    assert times_of(table, vocab.SCHED_SWITCH, cpu=0)[2:] == [4300, 4300 + 3 * 2300]
    assert total_ns == (4600 - 1000) + (6900 - 1100) + (9200 - 1200)


def test_a_reader_elsewhere_begins_with_the_first_packet():
    # Woken at 2300, its CPU is told by 2800; read by 3100, 5400, 7700
    builder, queue = stack_world((1000, 1100, 1200), readers=(1,), machine={"costs": {"ipi": 500}})
    _, _, counts, total_ns = outcome(builder, queue)
    assert counts == [3, 0, 0]
    assert total_ns == (3100 - 1000) + (5400 - 1100) + (7700 - 1200)


def test_a_full_buffer_takes_one_packet_more_and_no_other():
    # 0, 768 and 1536 bytes are there when they come: only more than 1500 is full
    builder, queue = stack_world([1000] * 4, readers=(0,), rcvbuf=1500)
    world, _, counts, _ = outcome(builder, queue)
    assert counts == [2, 0, 2]
    udp = take_snapshot(world).udp
    assert (udp["InDatagrams"], udp["RcvbufErrors"], udp["InErrors"]) == (2, 2, 2)


def test_memory_is_given_back_a_quarter_of_the_buffer_at_a_time_or_when_none_is_left():
    # In the socket at 2400, 3400, 4400, 5400; read from 2400, 4700, 7000, 9300 on. A quarter is 1000 bytes, a packet 768.
    builder, _ = stack_world([1000] * 4, readers=(1,), rcvbuf=4000)
    socket, told = builder.sockets[0], []
    world = builder.world()
    for until_ns in (2500, 5500, 7800, 10_000):
        world.run(until_ns)
        told.append((int(world.memory[socket + s.S_RMEM]), int(world.memory[socket + s.S_DEFICIT])))
    # The second read takes two over and keeps one of them: what it took still counts
    assert told == [(0, 0), (3 * 768, 768), (768, 0), (0, 0)]


def test_readers_share_flows_by_their_hash():
    low, high = 0x1000_0000, 0xF000_0000
    builder, _ = stack_world((1000, 1100, 1200), hashes=(low, high, high), readers=(0, 1))
    world, _ = run(builder, MS)
    assert [int(world.memory[socket + s.S_IN_DATAGRAMS]) for socket in builder.sockets] == [1, 2]


# GRO


def test_packets_go_up_eight_at_a_time_and_at_the_end_of_the_poll():
    builder, queue = stack_world([1000] * 10)
    world, table, counts, total_ns = outcome(builder, queue)
    assert counts == [10, 0, 0]
    # Eight are taken by 1800 and done at 2800, 3800, ... 9800; two are taken by 10000 and done at 11000 and 12000
    assert total_ns == sum(1800 + 1000 * at for at in range(8)) + 10_000 + 11_000
    assert times_of(table, vocab.NAPI_POLL) == [12_000]


def test_what_is_merged_crosses_the_protocols_once():
    builder, queue = stack_world([1000] * 6, segments=4)
    _, _, counts, total_ns = outcome(builder, queue)
    assert counts == [6, 0, 0]
    assert total_ns == 4 * 1600 + 2 * 2600  # the fifth pushed out four; all go up at the end of the poll, 1600


def test_chains_are_flushed_by_their_number():
    builder, queue = stack_world((1000, 1010, 1020, 1030), hashes=(5, 2), segments=4)
    _, _, _, total_ns = outcome(builder, queue)
    assert total_ns == (2400 - 1010) + (2400 - 1030) + (3400 - 1000) + (3400 - 1020)


def test_a_batch_counts_what_was_merged():
    builder, queue = stack_world([1000] * 9, segments=4)
    _, _, _, total_ns = outcome(builder, queue)
    assert total_ns == 4 * 1900 + 4 * 2900 + 3900  # the ninth pushed out the second four: eight


def test_a_chain_has_room_for_eight_flows():
    # Nine flows of one chain: the oldest goes up first, alone in its list until the end of the poll
    builder, queue = stack_world(range(1000, 1009), hashes=[8 * at for at in range(9)], segments=4)
    _, _, _, total_ns = outcome(builder, queue)
    assert total_ns == sum(1900 + 1000 * (at + 1) - 1000 - at for at in range(9))


def test_a_full_poll_is_told_before_its_packets_go_up():
    builder, queue = stack_world([1000] * 3, weight=2)
    _, table, _, total_ns = outcome(builder, queue)
    assert times_of(table, vocab.NAPI_POLL) == [1200, 4300]
    assert total_ns == 1200 + 2200 + 3300


def test_gro_flush_timeout_holds_packets_of_this_jiffy_until_its_timer():
    # Held at 1100, again at 20100, when the timer begins anew; its poll at 70100 finds none and lets go of both
    builder, queue = stack_world((1000, 20_000), segments=4, flush=50_000)
    _, table, _, total_ns = outcome(builder, queue)
    assert times_of(table, vocab.NAPI_POLL) == [1100, 20_100, 71_100]
    assert total_ns == (71_100 - 1000) + (71_100 - 20_000)


# RPS


def test_another_cpu_is_told_at_the_end_and_does_the_protocols():
    # Steered by 1350, 1400, 1450; the interrupt is there by 2150
    builder, queue = stack_world((1000, 1100, 1200), rps=(1,), machine={"costs": {"ipi": 700}})
    world, table, counts, total_ns = outcome(builder, queue)
    assert counts == [3, 0, 0]
    assert times_of(table, vocab.VECTOR_ENTRY, a=CALL_FUNCTION_SINGLE_VECTOR, cpu=1) == [2150]
    assert total_ns == (3150 - 1000) + (4150 - 1100) + (5150 - 1200)
    polls = table.kind == vocab.NAPI_POLL
    assert list(zip(table.cpu[polls], table.time_ns[polls], table.b[polls], strict=True)) == [(0, 1450, 3), (1, 5150, 3)]
    softnet = take_snapshot(world).softnet
    assert [(row.processed, row.received_rps) for row in softnet.values()] == [(3, 0), (3, 1)]


def test_a_hash_chooses_among_the_cpus_of_the_mask():
    builder, _ = stack_world((1000, 1100, 1200), hashes=(0, 0x7FFF_FFFF, 0x8000_0000), rps=(1, 2), machine={"cpus": 3})
    world, _ = run(builder, MS)
    assert [row.processed for row in take_snapshot(world).softnet.values()] == [3, 1, 1]  # hash 0 is none: it stays


def test_the_own_cpu_polls_its_backlog_after_the_queue():
    builder, queue = stack_world((1000, 1100, 1200), rps=(0,))
    _, table, _, total_ns = outcome(builder, queue)
    assert times_of(table, vocab.SOFTIRQ_ENTRY) == [1000]  # 6.12: found without being raised again
    assert times_of(table, vocab.NAPI_POLL) == [1450, 4450]
    assert total_ns == (2450 - 1000) + (3450 - 1100) + (4450 - 1200)


def test_the_last_that_was_given_packets_is_told_first():
    builder, _ = stack_world((1000, 1100), hashes=(0x1000_0000, 0xF000_0000), rps=(1, 2), machine={"cpus": 3})
    world, table = run(builder, MS)
    told = [cpu for cpu, a in zip(table.cpu, table.a, strict=True) if a == CALL_FUNCTION_SINGLE_VECTOR]
    assert sorted(set(told)) == [1, 2]
    assert world.memory[world.memory[builder.cpus[0] + f.C_STACK] + s.SD_IPI_LIST] == 0


def test_6_1_raises_net_rx_for_a_list_of_others():
    rows = {}
    for kernel in ("6.1", "6.12"):
        builder, _ = stack_world((1000,), rps=(1,), machine={"kernel": kernel})
        _, table = run(builder, MS)
        rows[kernel] = times_of(table, vocab.SOFTIRQ_RAISE, cpu=0)
    assert rows == {"6.1": [1000, 1150], "6.12": [1000]}


def test_a_backlog_holds_one_more_than_its_limit():
    builder, queue = stack_world([1000] * 5, rps=(1,), stack={"max_backlog": 2}, machine={"costs": {"ipi": 100_000}})
    world, _, counts, _ = outcome(builder, queue)
    assert counts == [3, 2, 0]
    softnet = take_snapshot(world)
    assert [row.dropped for row in softnet.softnet.values()] == [0, 2]
    assert softnet.netdev_stats["eth0"]["rx_dropped"] == 2


@pytest.mark.parametrize("cpus, expected", [((0,), [165, 35, 0]), ((1,), [200, 0, 0])])
def test_a_flow_of_more_than_half_is_limited_by_the_cpu_that_steers(cpus, expected):
    # From 100 waiting on flows are counted: 64 more of the one pass, then none; the other's packet passes
    builder, queue = stack_world(
        [1000] * 200, hashes=[0x1000_0001] * 199 + [0x2000_0002], rps=(1,), machine={"costs": {"ipi": 100_000}},
        stack={"max_backlog": 200, "flow_limit_cpus": cpus},
    )  # fmt: skip
    world, _, counts, _ = outcome(builder, queue)
    assert counts == expected
    assert [row.flow_limit for row in take_snapshot(world).softnet.values()] == [expected[1], 0]


# RFS


def test_a_flow_follows_its_reader_when_its_packets_have_left_the_backlog():
    # The first goes through the protocols on CPU 0 and is read on CPU 1; the second is steered there
    builder, queue = stack_world((1000, 20_000), readers=(1,), stack={"sock_flow_entries": 16}, flow_count=16)
    world, _, counts, total_ns = outcome(builder, queue)
    assert counts == [2, 0, 0]
    assert [(row.processed, row.received_rps) for row in take_snapshot(world).softnet.values()] == [(2, 0), (1, 1)]
    # 1100 taken, 1150 not steered, 2150 in the socket, 2450 read; 20100, 20150, 21150, 21450
    assert total_ns == 1450 + 1450


def test_a_flow_stays_while_packets_of_it_wait():
    builder, _ = stack_world((5000, 5001), hashes=(7,), readers=(0, 1, 2), machine={"cpus": 3, "costs": {"ipi": 100_000}},
                             stack={"sock_flow_entries": 16}, flow_count=16)  # fmt: skip
    world = builder.world()
    m = world.memory
    table, queue = m[m[f.G_STACK] + s.ST_SOCK_TABLE], builder.queues[0]
    rflow = m[m[queue + f.Q_SINK] + s.X_FLOW_TABLE] + 7 * s.RFLOW_SIZE
    m[table + 7] = 7 & ~3 | 1
    world.run(5500)  # the first waits at CPU 1
    assert [m[rflow], m[rflow + s.RFLOW_LAST_QTAIL]] == [1, 2]
    m[table + 7] = 7 & ~3 | 2
    assert m[m[builder.cpus[1] + f.C_STACK] + s.SD_INPUT_LEN] == 2
    world.run(10_000)
    assert m[rflow] == 1


def test_a_flow_moves_when_its_packets_have_left_the_old_backlog():
    builder, _ = stack_world((5000, 50_000), hashes=(7,), readers=(0, 1, 2), machine={"cpus": 3}, flow_count=16,
                             stack={"sock_flow_entries": 16})  # fmt: skip
    world = builder.world()
    m = world.memory
    table = m[m[f.G_STACK] + s.ST_SOCK_TABLE]
    for until_ns, reader in ((5000, 1), (50_000, 2), (100_000, 0)):
        world.run(until_ns)
        m[table + 7] = 7 & ~3 | reader  # whoever really read it
    assert [row.processed for row in take_snapshot(world).softnet.values()] == [2, 1, 1]


def test_the_hash_mixes_32_bits():
    assert mixed(0) == 0
    assert mixed(1) == 0x514E28B7  # MurmurHash3 fmix32
    assert len({mixed(value) for value in range(1000)}) == 1000


# A thread of NAPI


@pytest.mark.parametrize("kernel", ["6.1", "6.12"])
def test_a_thread_of_napi_tells_others_itself_since_6_2(kernel):
    # The thread's poll ends at 1150, then 6.12 sends the interrupt; 6.1 has raised NET_RX, which runs as bottom halves come on
    builder, queue = stack_world((1000,), rps=(1,), machine={"kernel": kernel, "costs": {"softirq_entry": 30}})
    add_napi_thread(builder, builder.napis[0], 0)
    _, table, counts, total_ns = outcome(builder, queue)
    assert counts == [1, 0, 0]
    assert times_of(table, vocab.SOFTIRQ_ENTRY, cpu=0) == ([1180] if kernel == "6.1" else [])
    assert total_ns == (180 if kernel == "6.1" else 150) + 30 + 1000


def test_a_thread_lets_gro_go_of_what_a_full_poll_left():
    builder, queue = stack_world([1000] * 3, weight=2, segments=4)
    add_napi_thread(builder, builder.napis[0], 0)
    _, table, _, total_ns = outcome(builder, queue)
    assert times_of(table, vocab.NAPI_POLL) == [1200, 3300]  # told before two go up as one, by 2200; then the third
    assert total_ns == 2 * 1200 + 2300


@pytest.mark.parametrize("kernel, share", [("6.1", (0.25, 0.5)), ("6.12", (0.0, 0.02))])
def test_a_reader_beside_ksoftirqd_gets_its_share_in_6_1_and_starves_in_6_12(kernel, share):
    # A packet every 600 ns is 1100 ns of softirqs: all of the CPU
    times = range(1000, 60 * MS, 600)
    builder, queue = stack_world(times, readers=(0,), rcvbuf=10_000, machine={"kernel": kernel, "cpus": 1})
    world, _, _, _ = outcome(builder, queue, 60 * MS)
    spent = int(world.memory[builder.cpus[0] + f.C_TIMES + f.TASK])
    assert share[0] * 60 * MS <= spent <= share[1] * 60 * MS


# Receive livelock: an interrupt of 4 µs for each packet, 6 µs of protocols, X = min(λ, (1 - λ t_i) / t_p)

LIVELOCK = '[machine]\ncpus = 2\ntick = "never"\n[costs]\nirq_entry = 0\nirq_exit = 0\nsoftirq_entry = 0\n[[nic]]\ncpus = 0\n' \
    'mode = "counted"\nring = 100000\nhandler_cost = "4us"\npacket_cost = "1us"\nprotocol_cost = "5us"\nrps_cost = 0\n'


@pytest.mark.parametrize("kpps, rps, exact", [(120, 0, 86.67), (150, 0, 66.67), (200, 0, 33.33), (120, 2, 120), (150, 2, 150)])
def test_receive_livelock_is_as_calculated_and_rps_takes_it_away(kpps, rps, exact):
    # With RPS the interrupts' CPU spends 1 µs, and could deliver (1 - λ 4 µs) / 1 µs; the other has 5 µs a packet
    world = assemble(read_scenario(f'{LIVELOCK}rate = "{kpps}k"\nrps_cpus = "{rps}"\n', "livelock.toml"), 0).world()
    world.run(20 * MS)
    delivered = packets(world)["delivered"]
    assert delivered == pytest.approx(exact * 20, rel=0.01)
