"""The kernel log: a real "nobody cared" with its handlers, this machine's log, stamps of all kinds, damage."""

import os
import subprocess

import pytest
from hypothesis import given

from damage import damaged, survives, text_of
from tophalf.host.door import open_machine
from tophalf.host.readers.kmsg import Follower, keep_interesting, parse_dmesg, parse_record, read_log
from tophalf.host.roots import MemoryRoot, live_root
from tophalf.snapshot import LogLine

CARED = b"""\
[   12.447163] irq 11: nobody cared (try booting with the "irqpoll" option)
[   12.449146]  <IRQ>
[   12.450174] handlers:
[   12.450287] [<00000000805adec8>] e1000_intr [e1000]
[   12.450732] Disabling IRQ #11
"""
RECORD = b'3,401,12447163,-;irq 11: nobody cared (try booting with the "irqpoll" option)\n SUBSYSTEM=pci\n'


def test_nobody_cared_with_its_handlers(data):
    lines = read_log(open_machine(f"{data}/hosts/nobody-cared.tar.xz").moments[-1][1])
    assert [line.text for line in lines] == [
        'irq 11: nobody cared (try booting with the "irqpoll" option)',
        "handlers:",
        "[<00000000805adec8>] e1000_intr [e1000]",
        "[<000000008d15c18f>] labirq_hard [labirq]",
        "Disabling IRQ #11",
    ]
    assert lines[0].time_us == 12_447_163 and lines[-1].time_us == 12_450_732


@pytest.mark.parametrize("case", ["balanced", "cpu0", "idle-6.18", "slow", "nvme"])
def test_a_log_without_trouble_keeps_nothing(data, case):
    assert not read_log(open_machine(f"{data}/hosts/{case}.tar.xz").moments[0][1])


def test_the_live_log_is_what_dmesg_shows():
    if not os.access("/dev/kmsg", os.R_OK):
        pytest.skip("/dev/kmsg needs root")
    shown = subprocess.run(["dmesg"], capture_output=True, text=True, check=True).stdout
    follower = Follower("/dev/kmsg")
    records = [record for record in map(parse_record, follower._records()) if record]
    os.close(follower.fd)
    assert [record.text for record in records][:20] == [line.text for line in parse_dmesg(shown)][:20]
    assert [record.time_us for record in records][:20] == [line.time_us for line in parse_dmesg(shown)][:20]
    assert read_log(live_root()) == read_log(live_root()) == keep_interesting(records)


def test_a_follower_takes_new_records_only(tmp_path):
    path = tmp_path / "kmsg"
    os.mkfifo(path)
    follower = Follower(str(path))
    writer = os.open(path, os.O_WRONLY)
    os.write(writer, RECORD)
    assert [line.time_us for line in follower.read()] == [12_447_163]
    os.write(writer, RECORD.replace(b"12447163", b"12447164"))
    assert [line.time_us for line in follower.read()] == [12_447_163, 12_447_164]
    os.close(writer)
    assert len(follower.read()) == 2  # end of file is not an endless loop
    os.close(follower.fd)


@pytest.mark.parametrize(
    ("line", "time_us", "text"),
    [
        ("[    1.000002] a", 1_000_002, "a"),
        ("<3>[    1.000002] a", 1_000_002, "a"),
        ("kern  :err   : [    1.000002] a", 1_000_002, "a"),
        ("[    1.000002][    T1] a", 1_000_002, "a"),
        ("[Sat Nov 22 20:54:01 2025] a", None, "a"),
        ("a [1.5] b", None, "a [1.5] b"),
    ],
)
def test_stamps(line, time_us, text):
    assert parse_dmesg(line) == [LogLine(time_us=time_us, text=text)]


@pytest.mark.parametrize(
    "text",
    [
        "NETDEV WATCHDOG: CPU: 1: transmit queue 0 timed out 5013 ms",
        "NETDEV WATCHDOG: eth0 (e1000e): transmit queue 0 timed out",
        "NOHZ tick-stop error: local softirq work is pending, handler #08!!!",
        "do_IRQ: 3.37 No irq handler for vector",
        "__common_interrupt: 3.37 No irq handler for vector",
        "IRQ 24: no longer affine to CPU3",
        "genirq: Flags mismatch irq 11. 00000000 (b) vs. 00000080 (a)",
        "watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [ksoftirqd/1:21]",
        "rcu: INFO: rcu_preempt self-detected stall on CPU",
        "workqueue: drain_vmap_area_work hogged CPU for >10000us 4 times, consider switching to WQ_UNBOUND",
        "perf: interrupt took too long (2502 > 2500), lowering kernel.perf_event_max_sample_rate to 79750",
    ],
)
def test_lines_of_interest(text):
    assert keep_interesting([LogLine(text=text)]) == (LogLine(text=text),)


def test_escapes_in_a_record():
    assert parse_record(rb"6,1,5,-;a\x0ab\x5cc" + b"\n").text == "a\nb\\c"
    assert parse_record(b"garbage") is None


def test_none_recorded():
    root = MemoryRoot({}, {})
    assert read_log(root) is None and root.missing["/dmesg"] == "not recorded"


def test_a_sosreport_layout():
    root = MemoryRoot({"/sos_commands/kernel/dmesg": CARED}, {})
    assert len(read_log(root)) == 4


@given(damaged(CARED), damaged(RECORD))
def test_nothing_breaks_the_reader(text, record):
    survives(read_log, {"/dmesg": text})
    parse_record(record)
    parse_dmesg(text_of(text))
