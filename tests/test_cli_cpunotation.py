"""CPUS as a mask or a list: both notations are read, by one rule, whatever the machine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tophalf.cli.cpunotation import read_cpus, read_list, read_mask
from tophalf.errors import FormatError, TophalfError
from tophalf.host.cpumask import format_mask
from tophalf.vocab import cpu_list

CPU_SETS = st.sets(st.integers(0, 2047), min_size=1, max_size=40).map(lambda cpus: tuple(sorted(cpus)))


@pytest.mark.parametrize(
    ("text", "cpus", "notation"),
    [
        ("f", (0, 1, 2, 3), "mask"),
        ("00000003", (0, 1), "mask"),
        ("ffffffff,00000000", tuple(range(32, 64)), "mask"),
        ("10000000,00000000", (60,), "mask"),
        ("0x10", (4,), "mask"),
        ("0X1", (0,), "mask"),
        ("01", (0,), "mask"),
        ("3c", (2, 3, 4, 5), "mask"),
        ("11111111", tuple(range(0, 32, 4)), "mask"),
        ("0-3,8", (0, 1, 2, 3, 8), "list"),
        ("0,8", (0, 8), "list"),
        ("10,11", (10, 11), "list"),
        ("10-10", (10,), "list"),
        ("10,", (10,), "list"),
        ("0", (0,), "list"),
        ("0-31:2/4", tuple(cpu for cpu in range(32) if cpu % 4 < 2), "list"),
        (" 2-3\n", (2, 3), "list"),
    ],
)
def test_each_notation_is_recognised(text, cpus, notation):
    assert read_cpus(text) == (cpus, notation)


@pytest.mark.parametrize("text", ["1", "2", "3", "8", "10", "16", "100", "8191"])
def test_a_plain_number_is_a_cpu(text):
    assert read_cpus(text) == ((int(text),), "list")
    assert read_cpus(f"0x{text}") == (read_mask(text), "mask")


@pytest.mark.parametrize(
    "text", ["", "all", "-1", "0-", "3,ff", "ff,3", "0xg", "0x", "1-0", "1;2", "0x1,1", "٣", "+1", "1_0-2", "0-99999", "ffffffff,"]
)
def test_what_is_neither_is_an_error(text):
    with pytest.raises(FormatError):
        read_cpus(text)


def test_a_word_of_any_length_is_read_in_one_go():
    with pytest.raises(FormatError, match="neither a CPU mask nor a CPU list"):
        read_cpus("A" * 500_000 + "-3")


@pytest.mark.parametrize(
    ("read", "text"), [(read_cpus, "00000000"), (read_cpus, "0x0"), (read_mask, "0"), (read_list, ""), (read_list, ",")]
)
def test_no_cpu_at_all_is_an_error(read, text):
    with pytest.raises(FormatError, match="names no CPU"):
        read(text)


@given(CPU_SETS)
def test_what_the_kernel_prints_is_never_misread(cpus):
    for text, notation in ((format_mask(cpus, 2048), "mask"), ("0x" + format_mask(cpus), "mask"), (cpu_list(cpus), "list")):
        assert read_cpus(text) == (cpus, notation)
    assert read_list(cpu_list(cpus)) == read_mask(format_mask(cpus)) == cpus


@given(st.text(max_size=30) | st.text(alphabet="0123456789abcdefxX,-:/ ", max_size=30))
def test_any_word_gives_cpus_or_an_error_for_people(text):
    for read in (read_cpus, read_list, read_mask):
        try:
            found = read(text)
        except TophalfError as error:
            assert "\n" not in error.line()
        else:
            cpus = found[0] if read is read_cpus else found
            assert cpus == tuple(sorted(set(cpus))) and cpus and min(cpus) >= 0
