"""Kernel threads: this machine's, recorded ones, names of every kind, damaged files."""

import json
import os

import pytest
from hypothesis import given

from damage import damaged, survives, text_of
from tophalf.errors import FormatError
from tophalf.host.door import open_machine
from tophalf.host.readers.threads import TICK_NS, classify, parse_stat, parse_thread_ticks, read_threads
from tophalf.host.roots import MemoryRoot, live_root
from tophalf.vocab import PF_KTHREAD

STAT = b"14 (ksoftirqd/0) S 2 0 0 0 -1 69238848 0 0 0 0 7 5 0 0 20 0 1 0 24 0 0 18446744073709551615 0 0 0 0 0 0 0 " \
       b"2147483647 0 1 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"  # fmt: skip


def live_threads():
    threads = read_threads(live_root())
    if not threads:
        pytest.skip("no kernel threads shown here (a container)")
    return threads


def test_one_ksoftirqd_for_each_online_cpu():
    cpus = {thread.cpu for thread in live_threads().values() if thread.kind == "ksoftirqd"}
    assert cpus == {cpu for cpu in range(os.cpu_count()) if os.path.exists(f"/sys/devices/system/cpu/cpu{cpu}/topology")}


def test_time_lies_between_two_looks_at_proc_pid_sched():
    """The same figure from another file: se.sum_exec_runtime (kernel/sched/debug.c), in ms."""
    thread = next(thread for thread in live_threads().values() if thread.name == "ksoftirqd/0")
    before = runtime_ms(thread.pid)
    now = read_threads(live_root())["ksoftirqd/0", thread.pid]
    assert before * 1e6 - now.resolution_ns <= now.cpu_ns <= runtime_ms(thread.pid) * 1e6 + now.resolution_ns


def runtime_ms(pid):
    try:
        with open(f"/proc/{pid}/sched") as file:
            return next(float(line.split()[-1]) for line in file if line.startswith("se.sum_exec_runtime"))
    except OSError:
        pytest.skip("this kernel has no /proc/PID/sched")


def test_a_full_scan_finds_the_same_threads_as_the_children_of_kthreadd():
    class WithoutChildren(type(live_root())):
        def read(self, path):
            return None if path.endswith("/children") else super().read(path)

    quick, scanned = live_threads(), read_threads(WithoutChildren("", live=True))
    stable = {key for key in quick if quick[key].kind != "kworker"}
    assert stable == {key for key in scanned if scanned[key].kind != "kworker"} and stable


def test_recorded_ticks(data):
    machine = open_machine(f"{data}/hosts/threadirqs.tar.xz")
    threads = read_threads(machine.moments[0][1])
    with_name = threads["irq/40-labirq", None]
    assert (with_name.kind, with_name.irq, with_name.pid, with_name.cpu_ns) == ("irq", 40, None, 22 * TICK_NS)
    assert with_name.resolution_ns == TICK_NS and threads["ksoftirqd/1", None].cpu == 1


@pytest.mark.parametrize(
    ("comm", "expected"),
    [
        ("ksoftirqd/1151", ("ksoftirqd/1151", "ksoftirqd", 1151, None)),
        ("irq/35-virtio4-", ("irq/35-virtio4-", "irq", None, 35)),
        ("irq/9-s-acpi", ("irq/9-s-acpi", "irq", None, 9)),
        ("kworker/3:1H-kblockd", ("kworker/3:1H", "kworker", 3, None)),
        ("kworker/u8:0+events_unbound", ("kworker/u8:0", "kworker", None, None)),
        ("kworker/R-mm_percpu_wq", ("kworker/R-mm_percpu_wq", "kworker", None, None)),
        ("kworker/R-mld-mld", ("kworker/R-mld", "kworker", None, None)),
        ("kworker/dying", ("kworker/dying", "kworker", None, None)),
        ("ktimers/2", ("ktimers/2", "ktimers", 2, None)),
        ("rcuc/0", ("rcuc/0", "rcuc", 0, None)),
        ("napi/eth0-8193", ("napi/eth0-8193", "napi", None, None)),
        ("backlog_napi/3", ("backlog_napi/3", "napi", 3, None)),
        ("ksoftirqd/x", None), ("irq/none", None), ("bash", None), ("cpuhp/1", None), ("", None),
    ],
)  # fmt: skip
def test_names(comm, expected):
    assert classify(comm) == expected


def test_stat_with_brackets_in_the_name():
    stat = parse_stat(text_of(STAT).replace("ksoftirqd/0", "a) S (b"))
    assert stat["comm"] == "a) S (b" and stat["parent"] == 2 and stat["ticks"] == 12 and stat["policy"] == 0
    assert stat["flags"] & PF_KTHREAD


def test_a_users_program_named_like_ksoftirqd_is_not_one():
    files = {"/proc/1/comm": b"init", "/proc/77/stat": STAT.replace(b"S 2 ", b"S 1 ").replace(b"69238848", b"4194304")}
    root = MemoryRoot(files, {})
    assert read_threads(root) is None and "no kernel threads" in root.missing["/proc/PID/stat"]


def test_ticks_stand_in_where_schedstat_is_off():
    """Without CONFIG_SCHED_INFO the file reads "0 0 0"; a thread that never ran has a count of time slices instead."""
    files = {"/proc/14/stat": STAT, "/proc/14/schedstat": b"0 0 0\n"}
    thread = read_threads(MemoryRoot(files, {}))["ksoftirqd/0", 14]
    assert (thread.cpu_ns, thread.resolution_ns) == (12 * TICK_NS, TICK_NS)
    files["/proc/14/schedstat"] = b"0 0 2\n"
    thread = read_threads(MemoryRoot(files, {}))["ksoftirqd/0", 14]
    assert (thread.cpu_ns, thread.resolution_ns) == (0, 1)


def test_one_broken_stat_costs_one_thread():
    root = MemoryRoot({"/proc/14/stat": STAT, "/proc/15/stat": b"15 (ksoftirqd/1) S"}, {})
    assert list(read_threads(root)) == [("ksoftirqd/0", 14)]
    assert root.missing["/proc/15/stat"] == "not a line of /proc/PID/stat"


@pytest.mark.parametrize("text", ["", "[1]", '{"a": -1}', '{"a": 1.5}', '{"a": true}', "[" * 100_000, '{"a": 1', "\0"])
def test_broken_ticks_say_where(text):
    with pytest.raises(FormatError, match="thread_ticks.json:1"):
        parse_thread_ticks(text)


@given(damaged(STAT), damaged(json.dumps({"ksoftirqd/0": 25, "irq/40-labirq": 22}).encode()), damaged(b"5818 0 3\n"))
def test_nothing_breaks_the_reader(stat, ticks, schedstat):
    survives(read_threads, {"/proc/14/stat": stat, "/proc/14/schedstat": schedstat})
    survives(read_threads, {"/thread_ticks.json": ticks})
    survives(read_threads, {"/proc/2/comm": b"kthreadd\n", "/proc/2/task/2/children": stat})


@given(damaged(b"kworker/R-mm_percpu_wq", b"kworker/u8:0+events", b"irq/35-virtio4-", b"ksoftirqd/3"))
def test_any_name_is_classified_or_left_out(comm):
    known = classify(text_of(comm))
    assert known is None or known[1] in ("ksoftirqd", "irq", "kworker", "ktimers", "rcuc", "napi")
