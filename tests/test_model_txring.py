"""Send queues against a slow twin, and cleaned by polls and by handlers at times worked out by hand."""

import random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from modelprograms import at_times, program, run, times_of
from test_model_napi_twin import GRID, compare, scenarios
from tophalf import vocab
from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.assemble.world import assemble
from tophalf.model.build import Builder
from tophalf.model.cpu.cpuoffline import dev_cpu_dead
from tophalf.model.machine.take import take_snapshot
from tophalf.model.net import driverfields as d
from tophalf.model.net import txring
from tophalf.model.net.buildtx import add_tx
from tophalf.model.simulate import simulate
from tophalf.model.table import event_table
from tophalf.model.world import _as_memory
from tophalf.scenario.load import read_scenario
from txtwin import SendQueue, TxNapiTwin, tx_model_of

pytestmark = pytest.mark.kernels
COSTS = {"irq_entry": 200, "irq_exit": 100, "softirq_entry": 50}


@pytest.mark.parametrize("seed", range(40))
def test_a_ring_is_the_twins(seed):
    rng = random.Random(seed)
    ring = {"wire": rng.choice((1, 30, 400)), "ring": rng.choice((1, 4, 64)), "usecs": rng.choice((0, 0, 700)),
             "frames": rng.choice((0, 1, 3))}  # fmt: skip
    times = [rng.randrange(20_000) for _ in range(rng.randrange(60))]
    twin, builder = SendQueue(times, **ring), Builder(1)
    queue = builder.queue("eth0", builder.irq(30), f.MODE_DRAIN, 64, builder.cost(0, "packet"), ("times", []))
    tx = add_tx(builder, queue, "eth0", builder.cost(0, "tx"), ring["wire"], ring["ring"], arrivals=("times", times),
                usecs_ns=ring["usecs"], frames=ring["frames"])  # fmt: skip
    m, now = _as_memory(builder.memory.words), 0
    for _ in range(200):
        now += rng.choice((0, 1, 17, 300, 2000))
        m[f.G_NOW] = now
        what = rng.choice(("send", "clean", "look"))
        txring.advance(m, tx, now)
        done = len(twin.look(now))
        assert int(m[tx + d.TX_DONE] - m[tx + d.TX_CLEANED]) == done
        if what == "send":
            count = rng.randrange(5)
            txring.give(m, tx, count, now)
            for _ in range(count):
                twin.send(now)
        elif what == "clean":
            count = rng.randrange(done + 1)
            twin.clean(now, count)
            m[tx + d.TX_CLEANED] += count
        assert int(m[tx + d.TX_STOPPED]) == twin.stopped
        assert int(m[tx + d.TX_PENDING]) == sum(time > now for time in twin.waits)
        assert int(txring.signal_ns(m, tx)) == twin.signals_at(now)


@st.composite
def with_tx(draw):
    """A scenario of napitwin's whose queues send, too."""
    scenario = draw(scenarios())
    for number, queue in enumerate(scenario["queues"]):
        times = draw(st.lists(st.integers(0, 2000), max_size=12))
        queue["tx"] = {
            "times": [GRID * time + 59 + number for time in times], "wire": GRID * draw(st.integers(1, 200)),
            "ring": draw(st.sampled_from((3, 64))), "usecs": draw(st.sampled_from((0, 5_003, 30_011))),
            "frames": draw(st.sampled_from((0, 1, 3))), "cost": GRID * draw(st.integers(1, 8)),
            "limit": draw(st.sampled_from((1, 3, 256))),
        }  # fmt: skip
    scenario["until_ns"] = 1_000_000
    return scenario


@settings(max_examples=40, suppress_health_check=[HealthCheck.filter_too_much])
@given(with_tx())
def test_each_event_of_polls_that_clean_is_the_twins(scenario):
    assume(compare(scenario, TxNapiTwin, tx_model_of))


def sending(times, mode="napi", wire=1000, rx=(), share=0, **how):
    """A queue that sends: a poll takes 300 ns, a packet 1 µs, one that was sent 50 ns. Returns (Builder, tx)."""
    builder = Builder(1, costs=COSTS)
    desc = builder.irq(30)
    modes = {"napi": f.MODE_NAPI, "handler": f.MODE_DRAIN}
    queue = builder.queue("eth0", desc, modes[mode], 64, builder.cost(1000, "packet"), ("times", list(rx)))
    napi = builder.napi("eth0", queue, builder.cost(300, "poll")) if mode == "napi" else 0
    how |= {"arrivals": ("times", times)} if times else {}
    tx = add_tx(builder, queue, "eth0", builder.cost(50, "tx"), wire, share=share, **how)
    builder.action(desc, "eth0", program(builder, (ops.OP_NAPI_SCHEDULE, napi), (ops.OP_RET, f.IRQ_HANDLED)))
    return builder, tx


def told(table):
    rows = table.kind == vocab.NAPI_POLL
    return list(zip(table.time_ns[rows].tolist(), table.b[rows].tolist(), strict=True))


def test_a_poll_cleans_what_was_sent_and_counts_none_of_it():
    builder, tx = sending([0, 0], usecs_ns=20_000)
    world, table = run(builder, 100_000)
    # Done at 1000 and 2000; 20 µs after the first: 21,000. Into the handler, out, softirq, a poll, two of 50
    assert times_of(table, vocab.IRQ_HANDLER_ENTRY) == [21_200]
    assert told(table) == [(21_000 + 200 + 100 + 50 + 300 + 100, 0)]
    assert int(world.memory[tx + d.TX_CLEANED]) == 2
    assert int(world.memory[builder.cpus[0] + f.C_PROCESSED]) == 0


def test_frames_signal_before_the_time_is_up():
    builder, _ = sending([0, 0, 0], usecs_ns=20_000, frames=3)
    _, table = run(builder, 100_000)
    assert times_of(table, vocab.IRQ_HANDLER_ENTRY) == [3200]


def test_beyond_the_limit_it_is_polled_again_as_if_the_weight_had_been_taken():
    builder, tx = sending([0] * 5, wire=10, usecs_ns=20_000, limit=2)
    world, table = run(builder, 100_000)
    begins = 20_010 + 350
    assert told(table) == [(begins + 400, 64), (begins + 800, 64), (begins + 1150, 0)]
    assert int(world.memory[tx + d.TX_CLEANED]) == 5
    assert int(world.memory[builder.napis[0] + f.N_PACKETS]) == int(world.memory[builder.cpus[0] + f.C_PROCESSED]) == 0


def test_who_reaches_the_limit_is_polled_again_even_if_nothing_is_left():
    builder, tx = sending([0] * 2, wire=10, usecs_ns=20_000, limit=2)
    world, table = run(builder, 100_000)
    begins = 20_010 + 350
    assert told(table) == [(begins + 400, 64), (begins + 700, 0)]
    assert int(world.memory[tx + d.TX_CLEANED]) == 2


def test_room_in_the_ring_is_made_when_a_batch_is_cleaned_not_while():
    # Done at 10 to 30 and cleaned from 20,360 + 300 to 20,810: the fourth comes meanwhile, the fifth after it
    builder, tx = sending([0, 0, 0, 20_700, 20_811], wire=10, usecs_ns=20_000, ring=3)
    world, table = run(builder, 100_000)
    assert told(table) == [(20_010 + 350 + 300 + 150, 0), (20_821 + 20_000 + 350 + 350, 0)]
    assert [int(world.memory[tx + field]) for field in (d.TX_STOPPED, d.TX_CLEANED)] == [1, 4]


def test_time_counts_from_the_first_that_still_waits_where_a_poll_of_an_open_line_leaves_some():
    # Done at 100 and 5100. At 10,000 another line has both polled, one a poll, their own line open: the first is gone at 10,700,
    # the second at 11,050; 10,800 would be the first's time
    builder, tx = sending([0, 5000], wire=100, usecs_ns=10_700, limit=1)
    at_times(builder, 24, [10_000], (ops.OP_NAPI_SCHEDULE, builder.napis[0]))
    world, table = run(builder, 100_000)
    assert told(table) == [(10_700, 64), (11_050, 64), (11_350, 0)]
    assert times_of(table, vocab.IRQ_HANDLER_ENTRY) == [10_200]
    assert int(world.memory[tx + d.TX_CLEANED]) == 2


def test_what_is_sent_on_goes_after_what_others_sent_while_it_was_received():
    # Received from 1000 + 650 to 4650, three sent on then; another's packet came at 2000 and is done at 3000
    builder, tx = sending([2000], rx=[1000, 1000, 1000], share=1000, frames=4, usecs_ns=50_000)
    world, table = run(builder, 200_000)
    assert told(table)[0] == (4650, 3)
    assert times_of(table, vocab.IRQ_HANDLER_ENTRY)[1] == 4650 + 3 * 1000 + 200
    assert int(world.memory[tx + d.TX_CLEANED]) == 4


def test_what_is_done_while_the_line_is_masked_waits_for_the_next_poll_or_signals_when_it_opens():
    # Received at 1000, polled until 1000+350+300+1000; sent at 1200 and done at 2200, too late for that poll's look
    builder, tx = sending([1200], rx=[1000])
    world, table = run(builder, 100_000)
    assert told(table)[0] == (2650, 1)
    assert times_of(table, vocab.IRQ_HANDLER_ENTRY) == [1200, 2650 + 200]
    assert int(world.memory[tx + d.TX_CLEANED]) == 1


def test_a_share_of_what_is_received_is_sent_on():
    # Half: of three packets one at the end of their poll, the second with the fourth packet
    builder, tx = sending([], rx=[1000, 1000, 1000, 50_000], share=500, usecs_ns=5_000)
    world, table = run(builder, 200_000)
    first_ns = 1000 + 350 + 300 + 3000
    assert told(table)[0] == (first_ns, 3)
    assert times_of(table, vocab.IRQ_HANDLER_ENTRY)[1] == first_ns + 1000 + 5000 + 200
    assert [int(world.memory[tx + field]) for field in (d.TX_DONE, d.TX_CLEANED, d.TX_REST)] == [2, 2, 0]


def test_a_handler_that_cleans_leaves_freeing_to_net_tx():
    text = """
[machine]
tick = "never"
[costs]
irq_entry = 200
irq_exit = 100
softirq_entry = 50
[[nic]]
mode = "handler"
rate = 0
tx_rate = 1000
tx_wire = 1000
tx_cost = 60
tx_free_cost = 700
handler_cost = 40
"""
    world = assemble(read_scenario(text, "x.toml"), 1).world(trace_rows=500)
    world.run(500_000)
    table = event_table(world)
    assert times_of(table, vocab.SOFTIRQ_RAISE, a=vocab.NET_TX) == [1000 + 200 + 40 + 60]
    assert times_of(table, vocab.SOFTIRQ_ENTRY, a=vocab.NET_TX) == [1300 + 100 + 50]
    assert times_of(table, vocab.SOFTIRQ_EXIT, a=vocab.NET_TX) == [1450 + 700]


def test_what_a_dead_cpu_had_to_free_is_freed_by_another():
    builder = Builder(1, cpus=2)
    m, (here, dead) = _as_memory(builder.memory.words), builder.cpus
    m[dead + f.C_COMPLETION_NS] = 700
    dev_cpu_dead(m, here, dead)
    assert [int(m[cpu + f.C_COMPLETION_NS]) for cpu in (here, dead)] == [700, 0]
    assert int(m[here + f.C_PENDING]) & 1 << vocab.NET_TX


def test_a_machine_shows_what_it_sends():
    text = "[[nic]]\nrate = 0\ntx_rate = 50_000\ntx_usecs = 30\ntx_frames = 9\n"
    found = simulate(read_scenario(text, "x.toml"), seconds=0.001)
    assert found.as_dict()["sent"] == 50
    shot = take_snapshot(found.world)
    assert shot.netdev_stats["eth0"]["tx_packets"] == 50
    assert [shot.facts.net["eth0"].coalesce[key] for key in ("tx_usecs", "tx_frames")] == [30, 9]


@pytest.mark.parametrize("more, key", [('mode = "each"\ntx_rate = 5', "tx_rate"), ('mode = "handler"\nforward = 5', "forward")])
def test_what_cannot_send_is_refused(more, key):
    with pytest.raises(TophalfError) as caught:
        assemble(read_scenario("[[nic]]\nrate = 5\n" + more, "x.toml"), 1)
    assert key in caught.value.where
