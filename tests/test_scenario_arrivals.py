"""What arrives when a scenario says so: constant, Poisson, in bursts, at listed times. A queue that never signals keeps it all."""

import statistics

import pytest

from tophalf.model import fields as f
from tophalf.model.assemble.world import assemble
from tophalf.model.net.nicring import arrival_of
from tophalf.scenario.load import read_scenario

pytestmark = pytest.mark.kernels
SILENT = "[[nic]]\nring = 65536\nrx_frames = 100000\n"


def arrivals(more, until_ns, seed=1, sets=()):
    """The times of each queue's packets, in ns."""
    world = assemble(read_scenario(SILENT + more, "x.toml", sets=sets), seed).world()
    world.run(until_ns)
    m, found = world.memory, []
    for queue in world.builder.queues:
        assert m[queue + f.Q_DROPPED] == 0
        found.append([int(arrival_of(m, queue, at)) for at in range(int(m[queue + f.Q_TAIL]))])
    return found


@pytest.mark.parametrize("rate", [1000, 300_000, 14_880_952])
def test_a_constant_rate_is_exact_for_ever(rate):
    (times,) = arrivals(f"rate = {rate}", 3_000_000)
    assert times == [number * 10**9 // rate for number in range(3_000_000 * rate // 10**9 + 1)]


def test_queues_take_turns():
    first, second = arrivals("rate = 200_000\nqueues = 2", 100_000)
    assert first == list(range(0, 100_001, 10_000))
    assert second == list(range(5000, 100_000, 10_000))


def test_poisson_has_exponential_gaps_and_a_stream_for_each_seed_and_queue():
    first, second = arrivals('rate = 400_000\narrivals = "poisson"\nqueues = 2', 100_000_000)
    gaps = [after - before for before, after in zip(first, first[1:], strict=False)]
    assert statistics.fmean(gaps) == pytest.approx(5000, rel=0.03)  # 20,000 gaps: a standard error of 0.7 %
    assert statistics.pstdev(gaps) == pytest.approx(5000, rel=0.04)
    assert sum(gap > 5000 for gap in gaps) / len(gaps) == pytest.approx(0.3679, abs=0.011)  # 1/e
    assert first != second
    assert arrivals('rate = 400_000\narrivals = "poisson"', 1_000_000, seed=1) != arrivals(
        'rate = 400_000\narrivals = "poisson"', 1_000_000, seed=2
    )


def test_bursts_come_at_their_rate_and_pause():
    (times,) = arrivals('rate = "1M"\narrivals = "bursts"\nburst = 3\ngap = "100us"', 250_000)
    assert times == [0, 1000, 2000, 102_000, 103_000, 104_000, 204_000, 205_000, 206_000]


def test_a_list_of_times_is_followed_whatever_its_order():
    (times,) = arrivals('rate = 0\narrivals = "times"\ntimes = ["30us", 5, "1.5us", "30us"]', 100_000)
    assert times == [5, 1500, 30_000, 30_000]


def test_queues_share_a_list():
    first, second = arrivals('rate = 0\narrivals = "times"\nqueues = 2\ntimes = [10, 20, 30]', 100)
    assert (first, second) == ([10, 30], [20])


@pytest.mark.parametrize("sets, times", [
    (["nic.arrivals=times", "nic.times=2us,7us"], [2000, 7000]),
    (["nic.rate=1M", "nic.arrivals=bursts", "nic.burst=2", "nic.gap=4us"], [0, 1000, 5000, 6000, 10_000]),
    (["nic.rate=250k"], [0, 4000, 8000]),
])  # fmt: skip
def test_the_command_line_says_them_too(sets, times):
    assert arrivals("rate = 5", 10_000, sets=sets) == [times]
