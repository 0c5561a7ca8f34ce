"""The comparison: orders and what turns them, on figures made up here; two loads measured whole."""

import pytest

from tophalf.advise.compare import Change, Comparison, compare, in_order, is_better, swapped
from tophalf.advise.load import COSTS
from tophalf.advise.measure import Measured
from tophalf.advise.needs import make_needs
from tophalf.cli.defer_compare import order_text

pytestmark = pytest.mark.kernels


def figures(p99_ns, done=100, asked=100):
    return Measured(asked=asked, done=done, p50_ns=p99_ns and p99_ns // 2, p99_ns=p99_ns, cpu_share=0.1)


def test_more_done_is_better_and_of_as_much_the_sooner():
    assert is_better(figures(900, done=99), figures(100, done=98))
    assert is_better(figures(100), figures(106)) and not is_better(figures(100), figures(104))
    assert not is_better(figures(None, done=0), figures(None, done=0))
    assert in_order({"a": figures(300), "b": figures(100, done=50), "c": figures(200)}) == ["c", "a", "b"]


def test_equal_ones_are_not_swapped():
    before = {"a": figures(100), "b": figures(200), "c": figures(203)}
    assert swapped(before, {"a": figures(100), "b": figures(203), "c": figures(200)}) == []
    assert swapped(before, {"a": figures(300), "b": figures(200), "c": figures(400)}) == [("a", "b")]
    assert swapped(before, {"a": figures(201), "b": figures(200), "c": figures(200)}) == []


def test_one_swap_and_the_order_does_not_survive():
    assert Comparison(rows=[], changes=[Change(swapped=[])]).survives
    assert not Comparison(rows=[], changes=[Change(swapped=[]), Change(swapped=[("a", "b")])]).survives


def test_work_that_sleeps():
    told = []
    found = compare(make_needs(sleeps=True, work_ns=100_000), 20, progress=lambda done, of: told.append((done, of)))
    assert [row.mechanism for row in found.rows] == ["threaded irq", "workqueue"]
    assert order_text(found) == "threaded irq < workqueue"
    assert len(found.changes) == 2 * (len(COSTS) + 1) and found.survives
    assert told[0] == (1, 2 * (2 + 14)) and told[-1] == (32, 32)


def test_packets_and_the_same_figures_again():
    needs = make_needs(device="network", work_ns=1_000, rate=5_000)
    one, same, other = (compare(needs, 20, seed) for seed in (0, 0, 1))
    assert [row.mechanism for row in one.rows][:2] == ["hardirq", "NAPI"]
    assert one.rows == same.rows and one.changes == same.changes and one.rows != other.rows
    for row in one.rows:
        assert row.twice.asked > row.once.asked and row.twice.cpu_share > row.once.cpu_share
