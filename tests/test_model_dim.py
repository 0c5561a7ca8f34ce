"""DIM against a slow twin on random streams of samples, and what it settles at; a queue that it moderates."""

import random

import pytest

from dimtwin import Dim
from tophalf.compiled import jit_is_enabled
from tophalf.model import dim
from tophalf.model import driverfields as d

pytestmark = pytest.mark.kernels
TUNES = ("parking on top", "parking tired", "right", "left")


def memory():
    words = [0] * (d.MODERATION_SIZE + 1)
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
