"""Values of scenarios: times, rates, CPUs, costs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tophalf.scenario import values

TIMES = [("5us", 5000), ("1.5ms", 1_500_000), ("2 s", 2 * 10**9), (7, 7), ("0ns", 0), ("1min", 60 * 10**9)]


@pytest.mark.parametrize("text, ns", TIMES)
def test_times(text, ns):
    assert values.duration_ns(text) == ns


RATES = [("78k", 78_000), ("1.5M", 1_500_000), (12, 12), ("14880952", 14_880_952), ("5k/s", 5000), ("1e3", 1000)]


@pytest.mark.parametrize("text, rate", RATES)
def test_rates(text, rate):
    assert values.rate(text) == rate


@pytest.mark.parametrize("text, cpus", [("0-3,8", (0, 1, 2, 3, 8)), (2, (2,)), ([3, 1], (1, 3)), ("", ())])
def test_cpus(text, cpus):
    assert values.cpus(text) == cpus


@pytest.mark.parametrize(
    "given, cost",
    [
        ("5us", ("constant", 5000)), (300, ("constant", 300)), ("exponential 1us", ("exponential", 1000)),
        ("exponential:1us", ("exponential", 1000)), ("lognormal 2us 0.5", ("lognormal", 2000, 0.5)),
        (["1us", 5], ("empirical", [1000, 5])), ("empirical 1us 2us", ("empirical", [1000, 2000])),
    ],
)  # fmt: skip
def test_costs(given, cost):
    assert values.cost(given) == cost


READERS = [values.duration_ns, values.rate, values.cpus, values.cost]
NONSENSE = ["-5us", "5 parsecs", "nan", -1, True, None, {}, "1e99999", "lognormal 1us", "exponential", "3-x", [[]], "9" * 30]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("value", NONSENSE, ids=str)
def test_nonsense_is_refused_in_words(reader, value):
    with pytest.raises(ValueError, match=r"\w"):
        reader(value)


@pytest.mark.parametrize("reader", READERS)
@given(value=st.one_of(st.text(max_size=20), st.integers(), st.floats(), st.lists(st.integers(), max_size=3)))
def test_anything_else_is_read_or_refused(reader, value):
    try:
        reader(value)
    except ValueError as error:
        assert str(error)


@pytest.mark.parametrize("text", ["eth0", "ens3f0np0", "nvme0q1", "mlx5_comp3@pci", "sensor.2", "ünï"])
def test_names(text):
    assert values.name(text) == text


@pytest.mark.parametrize("text", ["", "a/b", "../x", ".", "a b", "a\nb", "a\x07", "a,b", "a: 5", "x" * 41, 5, None])
def test_what_no_file_of_the_kernel_could_show_is_no_name(text):
    with pytest.raises(ValueError, match="is no name"):
        values.name(text)
