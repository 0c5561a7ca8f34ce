"""Differences of snapshots: wraps, resets, lines and CPUs that come and go, threads, time that no column holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tophalf.judge import metrics
from tophalf.snapshot import CpuTable, Interrupts, Line, Snapshot, Softnet, Stat, Thread

SECOND = 10**9


def line(key, counts, **fields):
    fields = {"irq": int(key) if key.isdigit() else None, "kind": "device", "per_cpu": True, "chip": "PCI-MSIX",
              "hwirq": 1, "actions": ("eth0-rx-0",), **fields}  # fmt: skip
    return Line(key=key, counts=tuple(counts), **fields)


def moment(time_s, cpus, *lines, **fields):
    table = Interrupts(cpus=tuple(cpus), lines={each.key: each for each in lines})
    return Snapshot(time_ns=time_s * SECOND, interrupts=table, missing={}, **fields)


def test_counts_are_by_cpu_number_not_by_column():
    """CPU 1 is offline: the second column is CPU 2's."""
    delta = metrics.between(moment(0, (0, 2), line("30", (5, 7))), moment(2, (0, 2), line("30", (5, 107))))
    assert delta.lines["30"].by_cpu == {2: 100}
    assert delta.lines["30"].rate == 50 and delta.lines["30"].rate_on(2) == 50 and delta.lines["30"].rate_on(0) == 0


@given(st.integers(0, 2**32 - 1), st.integers(0, 10**6))
def test_a_cell_wraps_at_32_bits(before, moved):
    after = (before + moved) % 2**32
    assert metrics.cell_delta(before, after, SECOND) == moved


def test_a_fall_that_no_rate_explains_is_a_reset():
    delta = metrics.between(moment(0, (0,), line("30", (5000,))), moment(1, (0,), line("30", (10,))))
    assert "30" not in delta.lines and delta.unknown["30"] == "counter reset"


@pytest.mark.parametrize("change", [{"actions": ("nvme0q1",)}, {"hwirq": 9}, {"chip": "IO-APIC"}])
def test_a_number_that_returns_as_another_device_has_no_delta(change):
    delta = metrics.between(moment(0, (0,), line("30", (10,))), moment(1, (0,), line("30", (20,), **change)))
    assert "30" not in delta.lines and delta.unknown["30"] == "other device"


def test_a_cpu_that_was_not_there_at_both_ends_has_no_cell():
    delta = metrics.between(moment(0, (0, 1), line("30", (1, 5))), moment(1, (0, 2), line("30", (4, 900))))
    assert delta.lines["30"].by_cpu == {0: 3} and delta.cpus == (0,)


def test_a_line_with_one_number_for_the_machine():
    before, after = (line("ERR", (count,), irq=None, kind="error", per_cpu=False) for count in (3, 10))
    delta = metrics.between(moment(0, (0, 1), before), moment(1, (0, 1), after))
    assert delta.lines["ERR"].count == 7 and delta.lines["ERR"].by_cpu == {}


def test_a_line_that_appears_on_the_way_is_counted_for_the_time_it_was_watched():
    series = metrics.over([moment(0, (0,)), moment(1, (0,), line("31", (10,))), moment(2, (0,), line("31", (60,)))])
    assert series.whole.lines["31"].count == 50 and series.whole.lines["31"].span_ns == SECOND
    assert series.line_rates("31") == [None, 50]


def test_one_snapshot_has_no_rates():
    series = metrics.over([moment(0, (0,), line("30", (1,)))])
    assert series.whole is None and series.intervals == () and series.first is series.last


def test_softirqs_wrap_and_leave_out_cpus_that_came():
    first = moment(0, (0,), softirqs=CpuTable(cpus=(0,), rows={"NET_RX": (2**32 - 5,)}))
    last = moment(1, (0,), softirqs=CpuTable(cpus=(0, 1), rows={"NET_RX": (5, 8)}))
    assert metrics.between(first, last).softirqs == {"NET_RX": {0: 10}}


def test_time_in_no_column_is_lost_time():
    before = Stat(ticks={1: (10, 0, 10, 100, 0, 0, 0, 0, 0, 0)})
    after = Stat(ticks={1: (10, 0, 16, 100, 0, 0, 0, 0, 0, 0)})
    delta = metrics.between(moment(0, (1,), stat=before), moment(1, (1,), stat=after))
    assert delta.cpu_times[1].lost_share == pytest.approx(0.94)
    assert delta.cpu_times[1].times["system"] == 60_000_000 and delta.cpu_times[1].busy_share == 1.0


def test_guest_time_is_not_counted_twice_and_a_column_that_falls_did_nothing():
    before = Stat(ticks={0: (0, 0, 0, 0, 9, 0, 0, 0, 0, 0)})
    after = Stat(ticks={0: (60, 0, 0, 40, 5, 0, 0, 0, 60, 0)})
    times = metrics.between(moment(0, (0,), stat=before), moment(1, (0,), stat=after)).cpu_times[0]
    assert times.total_ns == SECOND and times.lost_ns == 0 and times.times["iowait"] == 0


def test_a_kworker_keeps_its_time_under_a_new_name():
    def thread(name, cpu_ns):
        return {(name, 77): Thread(name=name, pid=77, kind="kworker", cpu_ns=cpu_ns, resolution_ns=1)}

    first, last = thread("kworker/0:1", 0), thread("kworker/0:1-events", 250_000_000)
    delta = metrics.between(moment(0, (0,), threads=first), moment(1, (0,), threads=last))
    assert delta.threads[("kworker/0:1-events", 77)].share == 0.25


def test_threads_without_pid_are_matched_by_name():
    def threads(cpu_ns):
        return {("ksoftirqd/0", None): Thread(name="ksoftirqd/0", kind="ksoftirqd", cpu=0, cpu_ns=cpu_ns)}

    delta = metrics.between(moment(0, (0,), threads=threads(10)), moment(1, (0,), threads=threads(20)))
    assert delta.threads[("ksoftirqd/0", None)].cpu_ns == 10


def test_softnet_queue_length_stays_a_length():
    first = moment(0, (0,), softnet={0: Softnet(processed=2**32 - 1, dropped=0, time_squeeze=2, input_qlen=50)})
    last = moment(1, (0,), softnet={0: Softnet(processed=9, dropped=4, time_squeeze=3, input_qlen=7)})
    row = metrics.between(first, last).softnet[0]
    assert (row.processed, row.dropped, row.time_squeeze, row.input_qlen, row.received_rps) == (10, 4, 1, 7, None)


def test_what_was_not_recorded_is_none():
    delta = metrics.between(Snapshot(time_ns=0), Snapshot(time_ns=SECOND))
    assert (delta.lines, delta.softirqs, delta.softnet, delta.threads, delta.udp, delta.cpu_times) == (None,) * 6
    assert delta.rate(None) is None


def test_a_counter_of_a_device_that_fell_is_left_out():
    first = moment(0, (0,), netdev_stats={"eth0": {"rx_dropped": 9, "rx_missed_errors": 1}})
    last = moment(1, (0,), netdev_stats={"eth0": {"rx_dropped": 2, "rx_missed_errors": 4}, "eth1": {"rx_dropped": 1}})
    assert metrics.between(first, last).netdev_stats == {"eth0": {"rx_missed_errors": 3}}
