"""Random numbers: known digits, the moments and tail of exponentials, streams of their own."""

import math

import pytest

from tophalf.compiled import jit_is_enabled
from tophalf.model import rng
from tophalf.model.fields import G_SIZE, G_ZIGGURAT

pytestmark = pytest.mark.kernels
COUNT = 200_000


def memory(seed="test"):
    """(world with a ziggurat and one stream, the stream's address), in the form that the code takes."""
    import numpy as np

    table = rng.ziggurat_table()
    m = np.zeros(G_SIZE + len(table) + 2, np.int64)
    m[G_ZIGGURAT] = G_SIZE
    m[G_SIZE : G_SIZE + len(table)] = table
    m[-2:] = rng.seed_stream(1, seed)
    return (m if jit_is_enabled() else m.tolist()), len(m) - 2


def naive_draws(one, other, count):
    """xoroshiro64** as its authors write it, with 32-bit arithmetic done by hand."""
    mask, found = 0xFFFFFFFF, []
    rotated = lambda x, k: (x << k | x >> 32 - k) & mask  # noqa: E731
    for _ in range(count):
        found.append(rotated(one * 0x9E3779BB & mask, 5) * 5 & mask)
        other ^= one
        one, other = rotated(one, 26) ^ other ^ (other << 9) & mask, rotated(other, 13)
    return found


def test_digits_are_those_of_the_published_generator():
    m, stream = memory()
    expected = naive_draws(int(m[stream]), int(m[stream + 1]), 1000)
    assert [int(rng.draw(m, stream)) for _ in range(1000)] == expected


@pytest.fixture(scope="module")
def exponentials():
    m, stream = memory()
    return sorted(int(rng.exponential(m, stream)) / (1 << rng.EXP_BITS) for _ in range(COUNT))


def test_exponentials_have_mean_variance_and_tail(exponentials):
    mean = sum(exponentials) / COUNT
    assert abs(mean - 1) < 4 / math.sqrt(COUNT)
    assert abs(sum((x - mean) ** 2 for x in exponentials) / COUNT - 1) < 4 * math.sqrt(8 / COUNT)
    for limit in (0.05, 0.5, 1, 2, 4, 7, 8.5):
        share, expected = sum(x > limit for x in exponentials) / COUNT, math.exp(-limit)
        assert abs(share - expected) < 4.5 * math.sqrt(expected / COUNT), limit


def test_exponentials_fit_everywhere(exponentials):
    distance = max(abs((i + 1) / COUNT - (1 - math.exp(-x))) for i, x in enumerate(exponentials))
    assert distance < 1.95 / math.sqrt(COUNT)  # Kolmogorov-Smirnov, one in a thousand


def test_purposes_have_streams_of_their_own():
    assert rng.seed_stream(1, "arrivals") != rng.seed_stream(1, "service") != rng.seed_stream(2, "service")
