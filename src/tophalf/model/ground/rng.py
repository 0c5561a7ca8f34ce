"""Random numbers as integers: the same digits compiled and plain. One stream for each purpose.

xoroshiro64** 1.0 by Blackman and Vigna (prng.di.unimi.it), two words of 32 bits. Exponential times by the ziggurat of
Marsaglia and Tsang (Journal of Statistical Software 5(8), 2000) in fixed point.
"""

import math

from tophalf.model.fields import G_ZIGGURAT, RNG_SIZE
from tophalf.model.ground.jit import compiled, inlined

U32 = 0xFFFFFFFF
LAYERS = 256
EXP_BITS = 24  # fraction bits of an exponential with mean 1
R = 7.69711747013104972  # where the ziggurat's tail begins
ZIGGURAT_SIZE = 3 * LAYERS  # words: limit, width and height of each layer
HEIGHT_BITS = 30


@inlined
def draw(m, rng):
    """The next number of a stream, 0 .. 2**32 - 1. rng: the stream's address."""
    one, other = m[rng], m[rng + 1]
    product = one * 0x9E3779BB & U32  # may wrap in 64 bits: the low 32 are the same
    other ^= one
    m[rng] = ((one << 26) & U32 | one >> 6) ^ other ^ (other << 9) & U32
    m[rng + 1] = (other << 13) & U32 | other >> 19
    return ((product << 5) & U32 | product >> 27) * 5 & U32


@inlined
def exponential(m, rng):
    """An exponential with mean 1, in units of 2**-EXP_BITS."""
    word = draw(m, rng)
    layer = m[G_ZIGGURAT] + (word & (LAYERS - 1)) * 3
    if word >> 8 < m[layer]:
        return (word >> 8) * m[layer + 1] >> 24
    return exponential_rest(m, rng, word, layer)


@compiled
def exponential_rest(m, rng, word, layer):
    """The rare part of `exponential`: the tail, and the wedge beside a layer."""
    while True:
        if layer == m[G_ZIGGURAT]:
            return int(R * (1 << EXP_BITS)) + from_uniform(draw(m, rng))
        x = (word >> 8) * m[layer + 1] >> 24
        low, high = m[layer - 1], m[layer + 2]
        height = low + (draw(m, rng) * (high - low) >> 32)
        if height < int(math.exp(-x / (1 << EXP_BITS)) * (1 << HEIGHT_BITS)):
            return x
        word = draw(m, rng)
        layer = m[G_ZIGGURAT] + (word & (LAYERS - 1)) * 3
        if word >> 8 < m[layer]:
            return (word >> 8) * m[layer + 1] >> 24


@compiled
def from_uniform(word):
    """An exponential by inversion, in units of 2**-EXP_BITS."""
    return int(-math.log((word + 0.5) / 4294967296.0) * (1 << EXP_BITS))


def ziggurat_table():
    """[limit, width, height] of each layer, flat: integers for `exponential`."""
    area = 3.949659822581572e-3
    edges = [R]
    for _ in range(LAYERS - 2):
        edges.append(-math.log(area / edges[-1] + math.exp(-edges[-1])))
    base = area / math.exp(-R)
    edges = [base, *edges, 0.0]  # edges[0] stands for the base with its tail
    table = []
    for layer in range(LAYERS):
        if layer == 0:
            limit, width, height = R / base, base, math.exp(-R)
        else:
            limit, width, height = edges[layer + 1] / edges[layer], edges[layer], math.exp(-edges[layer + 1])
        table += [int(limit * (1 << 24)), int(width * (1 << EXP_BITS)), int(height * (1 << HEIGHT_BITS))]
    return table


def seed_stream(seed, purpose):
    """The words to begin a stream with. purpose: a text; other purposes, other streams (SHA-256)."""
    import hashlib

    digest = hashlib.sha256(f"{seed}:{purpose}".encode()).digest()
    words = [int.from_bytes(digest[4 * i : 4 * i + 4], "little") for i in range(RNG_SIZE)]
    return words if any(words) else [1, 0, 0, 0]
