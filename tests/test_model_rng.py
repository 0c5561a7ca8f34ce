"""Random numbers: known digits, the moments and tail of exponentials, streams of their own.

Twin of: rng.
"""

import math

import pytest

from tophalf.compiled import jit_is_enabled
from tophalf.model.fields import G_SIZE, G_ZIGGURAT
from tophalf.model.ground import rng

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


MANY = 1_000_000 if jit_is_enabled() else 100_000


def many(seed):
    """(sums by cell of the draws, of 1,024 equal ones; of the exponentials, of 100 equally likely ones), MANY of each."""
    m, stream = memory(seed)
    uniform, cells = [0] * 1024, [0] * 100
    edges = [-math.log(1 - share / 100) for share in range(100)]
    import bisect

    for _ in range(MANY):
        uniform[int(rng.draw(m, stream)) >> 22] += 1
        cells[bisect.bisect_right(edges, int(rng.exponential(m, stream)) / (1 << rng.EXP_BITS)) - 1] += 1
    return uniform, cells


def chi_square(counts):
    """How many standard deviations above its mean χ² is, by Wilson and Hilferty's cube root."""
    expected, degrees = sum(counts) / len(counts), len(counts) - 1
    value = sum((count - expected) ** 2 / expected for count in counts)
    return ((value / degrees) ** (1 / 3) - (1 - 2 / (9 * degrees))) / math.sqrt(2 / (9 * degrees))


def test_a_million_draws_fall_evenly():
    uniform, cells = many("even")
    assert sum(uniform) == sum(cells) == MANY
    assert abs(chi_square(uniform)) < 4
    assert abs(chi_square(cells)) < 4


@pytest.mark.skipif(not jit_is_enabled(), reason="compares the compiled form with the plain one")
def test_digits_are_the_same_compiled_and_plain():
    import os
    import subprocess
    import sys

    program = (
        "from test_model_rng import memory, rng\nm, s = memory('both')\n"
        "print([int(rng.exponential(m, s)) for _ in range(20000)], [int(rng.draw(m, s)) for _ in range(100)])"
    )
    found = [
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, check=True, text=True, cwd=os.path.dirname(__file__),
            env={**os.environ, "NUMBA_DISABLE_JIT": plain},
        ).stdout
        for plain in ("0", "1")
    ]  # fmt: skip
    assert found[0] == found[1] != ""
