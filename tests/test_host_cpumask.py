"""CPU masks and lists, as lib/bitmap-str.c reads and writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tophalf.errors import FormatError
from tophalf.host.cpumask import CPUS_MAX, format_mask, parse_list, parse_mask
from tophalf.vocab import cpu_list

SETS = st.sets(st.integers(0, CPUS_MAX - 1), max_size=80)


@pytest.mark.parametrize(("text", "cpus"), [
    ("f", (0, 1, 2, 3)), ("00000003", (0, 1)), ("ffffffff,00000000", tuple(range(32, 64))), ("0", ()), ("1,0", (32,)),
    ("00000000,00000000,00000010\n", (4,)),
])  # fmt: skip
def test_masks(text, cpus):
    assert parse_mask(text) == cpus


@pytest.mark.parametrize(("text", "cpus"), [
    ("0-3,8", (0, 1, 2, 3, 8)), ("", ()), ("5", (5,)), ("0-7:2/4", (0, 1, 4, 5)), ("3,1,1-2\n", (1, 2, 3)),
])  # fmt: skip
def test_lists(text, cpus):
    assert parse_list(text) == cpus


@pytest.mark.parametrize("text", ["", "xyz", "f,123456789", "-1", "0x3", "f f", "f" * 4000])
def test_bad_masks_are_refused(text):
    with pytest.raises(FormatError):
        parse_mask(text)


@pytest.mark.parametrize("text", ["a", "3-1", "0-99999999999", "1-", "0-3:3/2", "-1", "1;2"])
def test_bad_lists_are_refused(text):
    with pytest.raises(FormatError):
        parse_list(text)


@given(SETS)
def test_both_forms_round_trip(cpus):
    cpus = tuple(sorted(cpus))
    assert parse_mask(format_mask(cpus)) == cpus
    assert parse_mask(format_mask(cpus, width=CPUS_MAX)) == cpus
    assert parse_list(cpu_list(cpus)) == cpus


def test_width_pads_as_the_kernel_does():
    assert format_mask([0, 1], width=64) == "00000000,00000003"
    assert format_mask([0, 1], width=8) == "03"
