"""DIM against a slow twin on random streams of samples, and what it settles at; a queue that it moderates."""

import random

import pytest

from dimtwin import Dim, Throttle
from modelprograms import times_of
from tophalf import vocab
from tophalf.compiled import jit_is_enabled
from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model.assemble.world import assemble
from tophalf.model.machine.take import take_snapshot
from tophalf.model.net import dim, moderation
from tophalf.model.net import driverfields as d
from tophalf.model.table import event_table
from tophalf.scenario.load import read_scenario

pytestmark = pytest.mark.kernels
TUNES = ("parking on top", "parking tired", "right", "left")


def memory(size=d.MODERATION_SIZE + 1):
    words = [0] * size
    if not jit_is_enabled():
        return words
    import numpy as np

    return np.array(words, np.int64)


def state_of(m, at=1):
    steps = {"left": int(m[at + d.A_STEPS_LEFT]), "right": int(m[at + d.A_STEPS_RIGHT])}
    return int(m[at + d.A_PROFILE]), TUNES[int(m[at + d.A_TUNE])], steps, int(m[at + d.A_TIRED])


def stream(rng):
    """(time_ns, events, packets, bytes) as counters that grow, at rates that change now and then and wrap."""
    time_ns, events, packets, size = rng.randrange(10**9), rng.randrange(2**16), rng.randrange(2**32), rng.randrange(2**32)
    rates = [rng.choice((0, 1, 3, 50, 1000)), rng.choice((0, 60, 1500))]
    for _ in range(rng.choice((20, 200, 1000))):
        if rng.random() < 0.05:
            rates = [rng.choice((0, 1, 3, 50, 1000)), rng.choice((0, 60, 1500))]
        time_ns += rng.choice((0, 500, 40_000, 700_000))
        events += rng.choice((1, 1, 5, 64, 200))
        came = int(rates[0] * rng.choice((1, 1, 1.05, 1.2)))
        packets, size = packets + came, size + came * rates[1]
        yield time_ns, events, packets, size


def test_it_is_the_twin_on_any_stream_of_samples():
    seen, samples = set(), 0
    for seed in range(60):
        rng = random.Random(seed)
        m, twin = memory(), Dim(profile=rng.randrange(5))
        m[1 + d.A_PROFILE] = twin.profile
        for sample in stream(rng):
            samples += 1
            assert bool(dim.net_dim(m, 1, *sample)) == twin.sample(*sample)
            assert state_of(m) == (twin.profile, twin.tune, twin.steps, twin.tired), (seed, sample)
            if twin.state == "apply" and rng.random() < 0.7:
                m[1 + d.A_STATE] = dim.DIM_START_MEASURE
                twin.applied()
            seen.add((twin.tune, twin.profile))
    assert samples > 5000
    assert {tune for tune, _ in seen} == set(TUNES)
    assert {profile for _, profile in seen} == set(range(5))


@pytest.mark.parametrize("setting", [moderation.DYNAMIC, moderation.CONSERVATIVE])
def test_e1000e_is_the_twin_on_any_stream_of_interrupts(setting):
    rng, seen = random.Random(7), set()
    for packet_bytes in (64, 300, 1500, 9000):
        queue, block = 1, 1 + f.QUEUE_SIZE
        m = memory(block + d.MODERATION_SIZE)
        m[block + d.A_QUEUE], m[block + d.A_BYTES], m[block + d.A_PROFILE] = queue, packet_bytes, setting
        m[block + d.A_TUNE] = moderation.ITR_START
        twin, most = Throttle(setting), 5
        m[queue + f.Q_ITR_NS] = moderation.interval_ns(moderation.ITR_START)
        for _ in range(1000):
            most = rng.choice((2, 5, 40, 200)) if rng.random() < 0.1 else most
            packets = rng.randrange(most)
            moderation.set_itr(m, block, packets)
            assert int(m[queue + f.Q_ITR_NS]) == twin.completed(packets, packets * packet_bytes)
            seen.add(twin.latency)
    assert seen == ({"low", "bulk"} if setting == moderation.CONSERVATIVE else {"lowest", "low", "bulk"})


def settles(work):
    """The profiles that it goes through when `work(usecs)` says (packets, bytes) a millisecond and the events are one a period."""
    m, found = memory(), [1]
    m[1 + d.A_PROFILE] = 1
    time_ns = packets = size = 0
    for events in range(0, 64 * 60, 64):
        usecs = dim.RX_EQE[int(m[1 + d.A_PROFILE])][0] + 20
        time_ns += 64 * usecs * 1000
        came, gone = work(usecs)
        packets, size = packets + came * 64 * usecs // 1000, size + gone * 64 * usecs // 1000
        if dim.net_dim(m, 1, time_ns, events, packets, size):
            found.append(int(m[1 + d.A_PROFILE]))
            m[1 + d.A_STATE] = dim.DIM_START_MEASURE
    return found


def test_equal_throughput_with_fewer_interrupts_is_better_so_it_goes_to_the_end():
    assert settles(lambda usecs: (500, 50_000))[-1] == 4


def test_throughput_that_moderation_costs_brings_it_back():
    # From 64 µs on a third is lost: it tries the third profile, comes back, and parks on the second
    found = settles(lambda usecs: (500, 50_000) if usecs < 60 else (300, 30_000))
    assert found[-1] == 1 and 2 in found and 3 not in found


def test_profiles_are_those_of_the_kernel():
    assert dim.RX_EQE == ((1, 256), (8, 256), (64, 256), (128, 256), (256, 256))
    assert dim.RX_CQE == ((2, 256), (8, 128), (16, 64), (32, 64), (64, 64))
    assert dim.TX_EQE == ((1, 128), (8, 128), (32, 128), (64, 128), (128, 128))
    assert dim.TX_CQE == ((5, 128), (8, 64), (16, 32), (32, 32), (64, 32))


# A queue that is moderated

NIC = """
[machine]
tick = "never"
[costs]
irq_entry = 200
irq_exit = 100
softirq_entry = 50
context_switch = 500
timer_tick = 0
cache_cold = 0
[[nic]]
rate = 10_000
handler_cost = 0
poll_cost = 300
packet_cost = "1us"
"""


def moderated(more, until_ns):
    world = assemble(read_scenario(NIC + more, "x.toml"), 1).world(trace_rows=5000)
    world.run(until_ns)
    return world, event_table(world)


def test_the_65th_interrupt_measures_and_a_work_item_applies_what_it_finds():
    # A packet every 100 µs, an interrupt 8 µs after each (profile 1). At the first measurement anything is better than nothing:
    # one to the left, 1 µs
    world, table = moderated('adaptive = "dim"\ndim_cost = "5us"', 6_700_000)
    completed_ns = 64 * 100_000 + 8000 + 200 + 100 + 50 + 300 + 1000
    assert times_of(table, vocab.WORKQUEUE_QUEUE_WORK) == [completed_ns]
    assert times_of(table, vocab.WORKQUEUE_EXECUTE_START) == [completed_ns + 500]
    assert times_of(table, vocab.WORKQUEUE_EXECUTE_END) == [completed_ns + 5500]
    assert times_of(table, vocab.IRQ_HANDLER_ENTRY)[64:67] == [6_408_200, 6_501_200, 6_601_200]
    queue = world.builder.queues[0]
    assert [int(world.memory[queue + field]) for field in (f.Q_USECS_NS, f.Q_FRAMES)] == [1000, 256]


def test_until_the_item_has_run_nothing_is_measured():
    world, table = moderated('adaptive = "dim"\ndim_cost = "50ms"\n[[task]]\nfifo = 50\nrun = "1s"', 40_000_000)
    assert len(times_of(table, vocab.WORKQUEUE_QUEUE_WORK)) == 1
    block = world.memory[world.builder.napis[0] + f.N_DIM]
    assert int(world.memory[block + d.A_STATE]) == dim.DIM_APPLY_NEW_PROFILE


def test_e1000e_writes_its_interval_at_the_end_of_the_poll():
    # One packet of 1,500 bytes an interrupt: from lowest to low latency, which is where it begins: 20,000 a second, 49,920 ns
    _, table = moderated('adaptive = "e1000e"\npacket_bytes = 1500', 2_000_000)
    assert times_of(table, vocab.IRQ_HANDLER_ENTRY)[:3] == [49_920 + 200, 100_200, 200_200]
    world, _ = moderated('adaptive = "e1000e"\npacket_bytes = 9000', 2_000_000)  # jumbo frames: bulk
    assert int(world.memory[world.builder.queues[0] + f.Q_ITR_NS]) == 249_856


def test_what_moderation_chooses_is_shown_as_ethtool_does():
    world, _ = moderated('adaptive = "dim"', 1_000_000)
    assert take_snapshot(world).facts.net["eth0"].coalesce == {
        "adaptive_rx": True, "adaptive_tx": False, "rx_usecs": 8, "rx_frames": 256,
    }  # fmt: skip
    world, _ = moderated('adaptive = "e1000e"', 1_000_000)
    assert take_snapshot(world).facts.net["eth0"].coalesce["rx_usecs"] == 3


@pytest.mark.parametrize("more, key", [
    ('adaptive = "dim"\nrx_usecs = 5', "rx_usecs"), ('adaptive = "e1000e"\ninterval = "5us"', "interval"),
    ('adaptive = "dim"\nmode = "handler"', "adaptive"),
])  # fmt: skip
def test_what_contradicts_it_is_refused(more, key):
    with pytest.raises(TophalfError) as caught:
        moderated(more, 1)
    assert key in caught.value.where
