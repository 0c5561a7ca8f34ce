"""What something costs: a draw from one of the world's named costs, in nanoseconds."""

from tophalf.model.fields import CONSTANT, COST_COUNT, COST_KIND, COST_MEAN, COST_RNG, COST_TABLE, EXPONENTIAL
from tophalf.model.ground.jit import compiled
from tophalf.model.ground.rng import EXP_BITS, draw, exponential

HALF = 1 << EXP_BITS - 1
MEAN_NS_MAX = 1 << 33  # a mean times 2**(EXP_BITS + 6) must fit in 63 bits


@compiled
def cost(m, which):
    """Draw from the cost at address `which`."""
    if m[which + COST_KIND] == CONSTANT:
        return m[which + COST_MEAN]
    return random_cost(m, which)


@compiled
def random_cost(m, which):
    rng = m[which + COST_RNG]
    if m[which + COST_KIND] == EXPONENTIAL:
        return exponential(m, rng) * m[which + COST_MEAN] + HALF >> EXP_BITS
    return m[m[which + COST_TABLE] + (draw(m, rng) * m[which + COST_COUNT] >> 32)]
