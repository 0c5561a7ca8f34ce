"""The engine against queueing theory: every row of the table of exact answers, built from devices and run as anything else is.

Within three standard errors, from batch means of one long run, and within 0.5 %.
"""

import math

import pytest

from modelworlds import livelock, served, two_classes
from tophalf.compiled import jit_is_enabled
from tophalf.model import fields as f

pytestmark = pytest.mark.skipif(not jit_is_enabled(), reason="millions of packets need the compiled engine")

RATE, LAMBDA = 600_000, 0.6  # a second; a µs. S is 1 µs on average
BATCHES = 40


def batch_means(builder, queue, seconds):
    """(mean time in system, its standard error, interrupts a packet), all in ns, after a tenth of the time to warm up."""
    world = builder.world()
    step_ns = int(seconds * 1e9) // BATCHES
    world.run(step_ns * 4)
    m, means = world.memory, []
    interrupts, packets = m[f.G_INTERRUPTS], m[queue + f.Q_DELIVERED]
    for batch in range(BATCHES):
        total, count = m[queue + f.Q_LATENCY_SUM], m[queue + f.Q_DELIVERED]
        world.run(step_ns * (5 + batch))
        means.append(float(m[queue + f.Q_LATENCY_SUM] - total) / float(m[queue + f.Q_DELIVERED] - count))
    mean = sum(means) / BATCHES
    error = math.sqrt(sum((x - mean) ** 2 for x in means) / (BATCHES - 1) / BATCHES)
    return mean, error, float(m[f.G_INTERRUPTS] - interrupts) / float(m[queue + f.Q_DELIVERED] - packets)


def assert_near(mean, error, exact):
    assert abs(mean - exact) <= 3 * error + 1, f"{mean:.1f} ± {error:.1f}, exactly {exact:.1f}"
    assert abs(mean / exact - 1) <= 0.005, f"{mean:.1f}, exactly {exact:.1f}"


EXPONENTIAL = ("exponential", 1000)
ROWS = [
    ("M/M/1", {"service": EXPONENTIAL}, 2500, 0.4),
    ("M/D/1", {"service": 1000}, 1750, 0.4),
    ("setup", {"service": 1000, "setup": 1000}, 2562.5, 0.25),
    ("rx-frames", {"service": 1000, "frames": 8}, 7583.3, 0.05),
    ("rx-usecs", {"service": 1000, "usecs_ns": 20_000}, 12519.2, 0.03077),
    ("polling", {"service": 1000, "mode": f.MODE_POLL, "every_ns": 10_000}, 6750, 0.06667),
]


@pytest.mark.parametrize("name, given, exact_ns, interrupts", ROWS, ids=[row[0] for row in ROWS])
def test_mean_time_in_system_and_interrupts_a_packet(name, given, exact_ns, interrupts):
    builder, queue = served(seed=11, rate=RATE, **given)
    mean, error, per_packet = batch_means(builder, queue, seconds=16)
    assert_near(mean, error, exact_ns)
    assert per_packet == pytest.approx(interrupts, rel=0.005)


def test_two_phases_of_service():
    # M/E2/1: an Erlang-2 service is two exponential ones; here as an empirical cost with its quantiles
    builder, queue = served(seed=12, rate=RATE, service=("empirical", erlang_2_quantiles(4096)))
    mean, error, _ = batch_means(builder, queue, seconds=16)
    assert_near(mean, error, 2125)


def erlang_2_quantiles(count):
    """Quantiles in ns of the sum of two exponentials of 500 ns, at the middles of `count` equal shares."""
    return [round(500 * inverse_erlang_2((i + 0.5) / count)) for i in range(count)]


def inverse_erlang_2(share):
    low, high = 0.0, 60.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if 1 - math.exp(-middle) * (1 + middle) < share else (low, middle)
    return low


@pytest.mark.parametrize("ring, load, exact", [(8, 0.8, 0.038756), (16, 1.2, 0.174533)])
def test_loss_of_a_finite_ring(ring, load, exact):
    builder, queue = served(seed=13, rate=int(load * 1e6), service=EXPONENTIAL, ring=ring)
    world = builder.world()
    world.run(16 * 10**9)
    m = world.memory
    assert m[queue + f.Q_DROPPED] / m[queue + f.Q_OFFERED] == pytest.approx(exact, rel=0.005)


def test_hardirq_over_softirq():
    # λ1 = 0.3, S1 = 1 µs exponential; λ2 = 0.2, S2 = 2 µs exponential: σ1 = 0.3, σ2 = 0.4
    builder, first, second = two_classes(14, (300_000, 200_000), (EXPONENTIAL, ("exponential", 2000)))
    world = builder.world()
    world.run(30 * 10**9)
    m = world.memory
    moments = 0.3 * 2 + 0.2 * 8  # λ E[S²]
    exact = 1000 * (1 + 0.3 * 2 / (2 * 0.7)), 1000 * (2 / 0.7 + moments / (2 * 0.7 * 0.3))
    assert m[first + f.Q_LATENCY_SUM] / m[first + f.Q_DELIVERED] == pytest.approx(exact[0], rel=0.005)
    assert m[second + f.Q_LATENCY_SUM] / m[second + f.Q_DELIVERED] == pytest.approx(exact[1], rel=0.005)
    cpu = builder.cpus[0]
    assert m[cpu + f.C_TIMES + f.IDLE] / world.now_ns == pytest.approx(0.3, rel=0.005)


LIVELOCK = [  # kpps offered, delivered when each packet interrupts, delivered when handlers absorb what comes
    (120, 86.67, 112.61), (150, 66.67, 104.17), (200, 33.33, 92.59), (240, 6.67, 85.03),
]  # fmt: skip


@pytest.mark.parametrize("offered, own, absorbed", LIVELOCK)
@pytest.mark.parametrize("absorbs", [False, True])
def test_receive_livelock(offered, own, absorbed, absorbs):
    builder, queue = livelock(15, offered * 1000, 4000, 6000, absorbs)
    world = builder.world()
    world.run(15 * 10**9)
    kpps = world.memory[queue + f.Q_DELIVERED] / 15 / 1000
    exact = absorbed if absorbs else own
    # near saturation what is left is small, and so many random arrivals a second make it vary
    error_kpps = 4 * math.sqrt(offered * 1000 * 15) / (6 * 15) / 1000
    assert abs(kpps - exact) <= max(0.005 * exact, 3 * error_kpps), f"{kpps:.2f} kpps, exactly {exact}"
