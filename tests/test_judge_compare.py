"""Comparing: wraps and identity between moments of one machine, rates and counts between two, what was not seen is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machines import Machine
from tophalf.judge import compare, metrics, settings
from tophalf.snapshot import Facts, Interrupts, IrqFiles, Line, Snapshot, Stat, Thread

WRAP = 1 << 32


def line(counts, action="eth0", hwirq=5):
    return Line(
        key="5", irq=5, kind="device", counts=counts, per_cpu=True, chip="IO-APIC", hwirq=hwirq, trigger="edge", actions=(action,)
    )


def one(counts, time_s=0, **fields):
    """A Series of one moment with one line."""
    made = counts if isinstance(counts, Line) else line(counts)
    table = Interrupts(cpus=tuple(range(len(made.counts))), lines={"5": made})
    return metrics.over([Snapshot(time_ns=int(time_s * 1e9), interrupts=table, **fields)])


def series(machine):
    return metrics.over(machine.shots)


def by_what(moves):
    return {row.what: row for row in moves.rows}


def why(result):
    return {row.what: row.why for row in result.not_compared}


def test_a_cell_that_passed_32_bits_moved_on():
    row = by_what(compare.moved(one((4294967290,)), one((4,), 1), one_machine=True))["irq 5 eth0"]
    assert (row.before, row.after, row.change, row.unit) == (4294967290, 4, 10, "count")


@given(st.lists(st.tuples(st.integers(0, WRAP - 1), st.integers(0, 40_000_000)), min_size=1, max_size=4))
def test_between_moments_what_came_is_the_change_in_either_order(cells):
    first, last = one(tuple(old for old, _ in cells)), one(tuple((old + came) % WRAP for old, came in cells), 1)
    came = sum(count for _, count in cells)
    forward, back = compare.moved(first, last, one_machine=True).rows, compare.moved(last, first, one_machine=True).rows
    assert [row.change for row in forward] == ([came] if came else []) and [row.change for row in back] == ([-came] if came else [])


def test_two_machines_counts_are_compared_as_counts():
    row = by_what(compare.moved(one((4294967290,)), one((4,), 1)))["irq 5 eth0"]
    assert row.change == 4 - 4294967290


@pytest.mark.parametrize(("after", "reason"), [(line((9,), action="nvme0q1"), "other device"),
                                               (line((9,), hwirq=6), "other device"),
                                               (line((3,)), "counter reset")])  # fmt: skip
def test_a_number_that_means_something_else_now_is_left_out_and_said(after, reason):
    moves = compare.moved(one((1000,)), one(after, 0.001), one_machine=True)
    assert moves.rows == [] and why(moves)["irq 5"] == reason


def test_another_hardware_line_of_the_same_name_shows_what_differs():
    rows = settings.changed(one((1,)), one(line((1,), hwirq=6))).rows
    assert [(row.what, row.before, row.after) for row in rows] == [("irq 5", "eth0 IO-APIC 5", "eth0 IO-APIC 6")]


def test_a_line_reset_on_the_way_has_no_rate_to_compare():
    shots = [one((1000,)).last, one((3,), 1).last]
    steady = metrics.over([one((1000,)).last, one((1100,), 1).last])
    moves = compare.moved(metrics.over(shots), steady)
    assert moves.rows == [] and why(moves)["irq 5"] == "counter reset in A"


def test_masks_that_one_side_lacks_are_not_called_unchanged():
    files = {5: IrqFiles(affinity=(0,), effective_affinity=(0,))}
    result = settings.changed(one((1,), irq_files=files), one((1,)), sides=("first", "last"))
    assert why(result)["masks"] == why(result)["effective masks"] == "not recorded in last"
    assert why(result)["affinity hints"] == "not recorded in first and last"
    assert result.rows == [] and "masks" not in result.compared


def test_settings_are_compared_between_machines_only():
    old, new = (one((1,), facts=Facts(sysctl={"net.core.netdev_budget": budget})) for budget in (300, 600))
    assert [row.what for row in settings.changed(old, new).rows] == ["sysctl net.core.netdev_budget"]
    assert why(settings.changed(old, one((1,))))["sysctls"] == "not recorded in B"
    same = settings.changed(old, old, one_machine=True)
    assert same.rows == [] and why(same)["settings"] == "read once for all moments"


def test_a_table_that_one_side_lacks_did_not_fall_to_zero():
    both, without = series(Machine("balanced")), Machine("balanced")
    without.shots = [shot.replace(softnet=None) for shot in without.shots]
    moves = compare.moved(both, series(without))
    assert not [row for row in moves.rows if "softnet" in row.what] and why(moves)["softnet_stat"] == "not recorded in B"


def test_cpu_time_of_interrupt_work_is_compared():
    quiet, busy = series(Machine("balanced")), series(Machine("balanced").thread("irq/24-eth0", "irq", 0.5).times(1, irq=0.25))
    rows = by_what(compare.moved(quiet, busy))
    assert rows["irq/24-eth0"].unit == "ms" and rows["irq/24-eth0"].after == pytest.approx(500, rel=0.01)
    assert rows["CPU1 irq time"].after == pytest.approx(250, rel=0.05)


def test_counts_hold_what_rates_hold():
    changed = series(Machine("balanced").nic("eth0", rx_dropped=10).udp(RcvbufErrors=5))
    first, last = metrics.over(changed.snapshots[:1]), metrics.over(changed.snapshots[-1:])
    rows, rates = (
        by_what(compare.moved(first, last, one_machine=True)),
        by_what(compare.moved(series(Machine("balanced")), changed)),
    )
    assert rows["eth0 rx_dropped"].change > 0 and rows["udp RcvbufErrors"].change > 0 and rows["context switches"].change > 0
    assert "eth0 rx_dropped" not in rates, "the other machine recorded no device counters"


def test_kworkers_are_summed_by_cpu():
    threads = {(name, pid): Thread(name=name, pid=pid, kind="kworker", cpu=cpu, cpu_ns=ns, resolution_ns=1)
               for name, pid, cpu, ns in [("kworker/0:1", 7, 0, 1_000_000), ("kworker/0:2", 8, 0, 2_000_000),
                                          ("kworker/u4:1", 9, None, 4_000_000)]}  # fmt: skip
    idle = {key: thread.replace(cpu_ns=0) for key, thread in threads.items()}
    stat = Stat(ticks={0: (0, 0, 0, 0, 0, 2)})
    rows = by_what(compare.moved(one((1,), threads=idle, stat=stat), one((1,), threads=threads, stat=stat)))
    assert {what: row.change for what, row in rows.items()} == {"kworkers of CPU0": 3.0, "unbound kworkers": 4.0}
