"""Costs: constants, and draws with the mean and spread that were asked for."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model.build import Builder
from tophalf.model.ground.costs import MEAN_NS_MAX, cost

pytestmark = pytest.mark.kernels
COUNT = 40_000


def draws(value, count=COUNT):
    builder = Builder(3)
    which = builder.cost(value, "test")
    m = builder.world().memory
    return [int(cost(m, which)) for _ in range(count)]


def moments(values):
    mean = sum(values) / len(values)
    return mean, sum((x - mean) ** 2 for x in values) / len(values)


@given(st.integers(0, MEAN_NS_MAX - 1))
def test_a_constant_is_what_it_is(value):
    assert draws(value, 3) == [value] * 3 == draws(("constant", value), 3)


@pytest.mark.parametrize("mean", [100, 1000, 10**9, MEAN_NS_MAX - 1])
def test_an_exponential_has_its_mean_and_its_variance(mean):
    found, variance = moments(draws(("exponential", mean)))
    assert abs(found - mean) < 4.5 * math.sqrt(mean**2 / COUNT) + 0.01
    assert abs(variance - mean**2) < 4.5 * mean**2 * math.sqrt(8 / COUNT) + 0.2


def test_a_lognormal_has_its_mean_and_its_median():
    values = draws(("lognormal", 5000, 0.8))
    mean, _ = moments(values)
    assert mean == pytest.approx(5000, rel=0.02)
    assert sorted(values)[COUNT // 2] == pytest.approx(5000 * math.exp(-0.32), rel=0.02)


def test_an_empirical_cost_draws_each_value_equally_often():
    table = [10, 20, 70, 70]
    values = draws(("empirical", table))
    assert set(values) == set(table)
    expected = {10: COUNT / 4, 20: COUNT / 4, 70: COUNT / 2}
    assert sum((values.count(value) - share) ** 2 / share for value, share in expected.items()) < 13.8  # χ², 2 degrees, 1 in 1000


@pytest.mark.parametrize("value", [-1, ("exponential", -5), ("exponential", MEAN_NS_MAX), MEAN_NS_MAX])
def test_what_no_cost_can_be_is_refused(value):
    with pytest.raises(TophalfError, match="is no cost"):
        Builder(1).cost(value, "test")


def test_costs_have_streams_of_their_own():
    builder = Builder(1)
    one, other = builder.cost(("exponential", 1000), "one"), builder.cost(("exponential", 1000), "other")
    m = builder.world().memory
    alone = [int(cost(m, one)) for _ in range(20)]
    m = builder.world().memory
    both = [(int(cost(m, one)), int(cost(m, other))) for _ in range(20)]
    assert [mine for mine, _ in both] == alone
    assert [others for _, others in both] != alone


def test_each_named_cost_can_be_set():
    from tophalf.model.build import COST_NAMES

    builder = Builder(1, costs={name: 10 + number for number, name in enumerate(COST_NAMES)})
    m = builder.world().memory
    found = [int(cost(m, m[f.G_COSTS] + number * f.COST_SIZE)) for number in range(f.COSTS_FIXED)]
    assert found == list(range(10, 10 + f.COSTS_FIXED))
    assert len(COST_NAMES) == f.COSTS_FIXED


def test_what_random_costs_come_to_does_not_depend_on_where_they_lie():
    """Figures of documentation would be others with each version, whose worlds have other fields."""
    def streams(more_words):
        builder = Builder(3)
        builder.memory.take(more_words)
        costs = [builder.cost(("exponential", 100), "it") for _ in range(2)]
        return [[int(builder.memory[builder.memory[cost + f.COST_RNG] + word]) for word in range(f.RNG_SIZE)] for cost in costs]

    assert streams(0) == streams(17) and streams(0)[0] != streams(0)[1]
