"""What is measured under each mechanism: delays of a load that never collides are sums of costs, written out here."""

import numpy as np
import pytest

from tophalf.advise.load import assumed_costs, make_load, poisson_times, scenario_of
from tophalf.advise.measure import delays_ns, measure, nearest_rank
from tophalf.advise.mechanisms import BH_WORK, HARDIRQ, MECHANISMS, NAPI, SOFTIRQ, TASKLET, THREAD, WORKQUEUE, allowed
from tophalf.advise.needs import make_needs

pytestmark = pytest.mark.kernels

COSTS = assumed_costs()
TOP = COSTS["irq_entry"] + COSTS["handler"]
SOFT = TOP + COSTS["irq_exit"] + COSTS["softirq_entry"]
SWITCH = TOP + COSTS["irq_exit"] + COSTS["context_switch"]


def sparse(**given):
    """A load that never waits for itself: every 1.9 ms, which no tick falls upon."""
    load = make_load(make_needs(work_ns=50_000, rate=500, **given), 20)
    return load.replace(times=[300_000 + 1_900_000 * at for at in range(20)])


@pytest.mark.parametrize(
    ("mechanism", "delay_ns", "given"),
    [(HARDIRQ, TOP, {}), (TASKLET, SOFT, {}), (BH_WORK, SOFT, {}), (SOFTIRQ, SOFT, {"core": True}), (THREAD, SWITCH, {})],
)
def test_alone_a_delay_is_the_sum_of_its_steps(mechanism, delay_ns, given):
    found = measure(sparse(**given), mechanism)
    assert (found.asked, found.done, found.p50_ns) == (20, 20, delay_ns)
    assert found.cpu_share == pytest.approx(20 * (50_000 + delay_ns) / 40e6, rel=0.05)


def test_a_work_item_waits_for_its_turn_as_tasks_do():
    found = measure(sparse(), WORKQUEUE)
    assert found.done >= 15 and found.p50_ns >= SWITCH and found.p99_ns > 1_000_000


@pytest.mark.parametrize("mechanism", [HARDIRQ, THREAD, TASKLET, BH_WORK, WORKQUEUE])
def test_more_than_a_cpu_can_do_is_not_done(mechanism):
    found = measure(make_load(make_needs(work_ns=200_000, rate=20_000), 100), mechanism)
    assert found.done * 200_000 <= 20_000_000 and found.done < found.asked / 2
    assert found.cpu_share <= 1.001


@pytest.mark.parametrize("given", [{"work_ns": 10}, {"device": "network", "work_ns": 1_000}])
def test_no_share_is_more_than_the_cpu(given):
    needs = make_needs(rate=5_000_000, **given)
    load = make_load(needs, 100).replace(until_ns=1_000_000)
    shares = [measure(load, name).cpu_share for name in MECHANISMS if allowed(needs)[name] is None]
    assert len(shares) >= 3 and max(shares) <= 1.001 and min(shares) > 0


def test_a_threads_runs_are_all_seen_where_one_follows_another():
    """Its whole time is runs: each its work, and what handlers between them leave."""
    found = measure(make_load(make_needs(work_ns=100_000, rate=50_000), 100), THREAD)
    assert 0.95 * 20_000_000 / 100_000 <= found.done <= 20_000_000 / 100_000


@pytest.mark.parametrize("mechanism", [HARDIRQ, NAPI, THREAD])
def test_packets(mechanism):
    found = measure(make_load(make_needs(device="network", work_ns=1_000, rate=10_000), 100), mechanism)
    assert found.asked == len(poisson_times(10_000, 20_000_000, 0))
    assert found.done >= found.asked - 5 and found.p50_ns >= TOP - 50
    assert found.cpu_share > found.done * 1_000 / 20e6


def test_requests_are_finished_later_in_the_softirq():
    load = make_load(make_needs(device="block", work_ns=1_000, rate=5_000), 100)
    hard, soft = (measure(load, mechanism) for mechanism in (HARDIRQ, SOFTIRQ))
    assert hard.done >= hard.asked - 2 and soft.done >= soft.asked - 2
    assert hard.p50_ns < soft.p50_ns


def naive_delays(times, runs):
    found = []
    for time in times:
        after = [end for start, end in runs if start >= time]
        found += [after[0] - time] if after else []
    return found


def test_delays_are_to_the_end_of_the_next_run():
    stream = np.random.default_rng(7)
    for _ in range(50):
        times = np.sort(stream.integers(0, 1000, 20))
        starts = np.sort(stream.integers(0, 1000, 10))
        runs = np.stack([starts, starts + stream.integers(1, 30, 10)], axis=1)
        assert delays_ns(times, runs).tolist() == naive_delays(times.tolist(), runs.tolist())
    assert delays_ns(np.asarray([1, 2]), np.zeros((0, 2), np.int64)).tolist() == []


def test_percentiles_are_values_that_occurred():
    values = np.asarray([5, 1, 4, 2, 3])
    assert [nearest_rank(values, percent) for percent in (1, 20, 50, 99, 100)] == [1, 1, 3, 5, 5]
    assert nearest_rank(values[:0], 50) is None


def test_arrivals_are_the_same_for_a_seed():
    one, same, other = (poisson_times(1_000, 10**9, seed) for seed in (3, 3, 4))
    assert one == same != other and one == sorted(set(one)) and 800 < len(one) < 1200


KINDS = [{}, {"sleeps": True}, {"device": "network"}, {"device": "block"}, {"core": True}, {"kernel": (6, 1)},
         {"sleeps": True, "device": "network"}, {"per_cpu": True, "work_ns": 20_000_000}]  # fmt: skip


@pytest.mark.parametrize("given", KINDS)
def test_every_mechanism_that_is_allowed_can_be_simulated(given):
    needs = make_needs(**given)
    names = [name for name in MECHANISMS if allowed(needs)[name] is None]
    assert names and all(scenario_of(make_load(needs, 10), name).title == name for name in names)
