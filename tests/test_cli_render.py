"""Tables, bars, histograms: they line up, cut, and never obey what they print."""

from hypothesis import given
from hypothesis import strategies as st

from tophalf.cli import render


def test_table_aligns_and_says_dash_for_none():
    text = render.table([">n", "name"], [(1, "eth0"), (100, None)])
    assert text.splitlines() == ["  n  name", "  1  eth0", "100  -"]


def test_names_cannot_command_the_terminal():
    assert "\x1b" not in render.table(["name"], [["\x1b]0;owned\x07"]])


def test_cut_at_the_width():
    (_, line) = render.table(["a", "b"], [["x" * 10, "y" * 50]], width=20).splitlines()
    assert len(line) == 20 and line.endswith("…")


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=2000))
def test_spark_has_a_mark_for_every_group_that_is_not_empty(values):
    line = render.spark(values)
    assert len(line) <= 32
    assert (line.strip() == "") == (not any(values))


@given(st.floats(0, 1e12), st.floats(1e-3, 1e12), st.integers(1, 60))
def test_bar_keeps_its_width(value, largest, width):
    assert len(render.bar(value, largest, width)) == width


def test_histogram_drops_empty_ends_only():
    lines = render.histogram([("1 us", 0), ("2 us", 8), ("4 us", 0), ("8 us", 4), ("16 us", 0)], width=8)
    assert [line.split()[0] for line in lines] == ["2", "4", "8"] and lines[0].endswith("█" * 8) and lines[2].endswith("█" * 4)


def test_colour_only_where_a_terminal_reads(monkeypatch):
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    assert render.paint("x", "red") == "x"
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert render.paint("x", "red") == "\x1b[31mx\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert render.paint("x", "red") == "x"
