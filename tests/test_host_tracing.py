"""Tracing this machine: private instances, whose they are, and who gives them back."""

import os
import subprocess
import sys
import time

import pytest

from live_tracing import instances, needs_tracefs, send_datagrams
from tophalf import vocab
from tophalf.errors import MachineError
from tophalf.host.record import tracefs, tracing
from tophalf.host.record.guardian import dismiss, start_guardian
from tophalf.host.record.livetrace import follow
from tophalf.host.record.tracing import Tracing, buffer_kib, committed


def content(path):
    with open(path) as file:
        return file.read()


def page(commit, data):
    return (7).to_bytes(8, sys.byteorder) + commit.to_bytes(8, sys.byteorder) + data.ljust(4080, b"\0")


def test_only_committed_bytes_of_a_page_are_kept():
    assert committed(page(40, b"x" * 40), 8) == page(40, b"x" * 40)[:56]
    assert committed(page(0, b""), 8) == page(0, b"")[:16]


def test_a_count_of_missed_events_is_kept_with_its_page():
    missed, stored = 1 << 31, 1 << 30
    assert len(committed(page(40 | missed, b""), 8)) == 56
    assert len(committed(page(40 | missed | stored, b""), 8)) == 64


@pytest.mark.parametrize("cpus", [1, 2, 64, 288, 1152, 4096])
def test_all_buffers_together_stay_within_the_memory(cpus):
    each = buffer_kib(256, cpus)
    assert 64 <= each <= tracing.KIB_PER_CPU_MAX and each * cpus <= 256 * 1024


def test_too_little_memory_is_said_with_how_much_it_takes():
    with pytest.raises(MachineError, match="8 MiB are too little for 1152 CPUs; give at least 72"):
        buffer_kib(8, 1152)


def test_stats_count_read_unread_and_lost_events():
    text = (
        b"entries: 5\noverrun: 7\ncommit overrun: 0\nbytes: 96\noldest event ts: 1.0\nnow ts: 2.0\n"
        b"dropped events: 2\nread events: 11\n"
    )
    assert tracefs.stats_totals(text) == (16, 9)


def test_a_process_has_a_start_time_until_it_is_dead():
    child = subprocess.Popen(["sleep", "60"])
    assert tracefs.start_time(child.pid) > tracefs.start_time(1) >= 0
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, but not reaped
    assert tracefs.start_time(child.pid) is None
    child.wait()
    assert tracefs.start_time(child.pid) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, which takes root")
def test_without_root_the_error_says_so():
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setuid(65534)
            tracefs.tracefs_path()
        except MachineError as error:
            os.write(writer, error.line().encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 200) == b"tracefs: reading kernel events needs root; run it with sudo"
    os.close(reader)
    os.close(writer)


@needs_tracefs
def test_tracefs_can_be_reached_without_a_mount():
    before = content("/proc/self/mountinfo")
    fd = tracefs._mount_detached()
    try:
        assert "instances" in os.listdir(f"/proc/self/fd/{fd}")
        assert content("/proc/self/mountinfo") == before
    finally:
        os.close(fd)


@needs_tracefs
def test_an_instance_is_private_and_goes_with_its_tracing():
    path = tracefs.tracefs_path()
    settings = [f"{path}/{name}" for name in ("tracing_on", "set_event", "buffer_size_kb", "trace_clock")]
    before = [content(setting) for setting in settings]
    with Tracing("irq:softirq_raise", memory_mib=4) as now:
        name = now.instance.name
        assert name == f"tophalf-{os.getpid()}-{tracefs.start_time(os.getpid())}" and name in instances()
        assert "[mono]" in now.instance.read("trace_clock").decode()
        assert now.kib_per_cpu * len(now.cpus) <= 4 * 1024 + 64 * len(now.cpus)
        with pytest.raises(MachineError, match="already records"):
            Tracing("irq:softirq_raise", memory_mib=4)
    assert name not in instances()
    assert before == [content(setting) for setting in settings]


@needs_tracefs
def test_no_event_at_all_is_an_error_and_leaves_no_instance():
    with pytest.raises(MachineError, match="no event can be recorded: foo:bar"):
        Tracing("foo:bar")
    assert tracefs.instance_name() not in instances()


@needs_tracefs
def test_the_dead_are_swept_and_the_living_are_not():
    root = tracefs.tracefs_path()
    dead = subprocess.Popen(["true"])
    dead.wait()
    mine = tracefs.start_time(os.getpid())
    names = {
        "dead": f"tophalf-{dead.pid}-1", "reused": f"tophalf-{os.getpid()}-{mine + 1}", "alive": f"tophalf-{os.getpid()}-{mine}",
        "elsewhere": f"tophalf-{dead.pid}-2", "foreign": f"other-{dead.pid}-3",
    }  # fmt: skip
    for name in names.values():
        os.mkdir(f"{root}/instances/{name}")
    # a recorder in another pid namespace: no such process here, but its buffers are open
    held = os.open(f"{root}/instances/{names['elsewhere']}/per_cpu/cpu0/trace_pipe_raw", os.O_RDONLY | os.O_NONBLOCK)
    try:
        swept = tracefs.sweep(root)
        left = set(os.listdir(f"{root}/instances"))
        assert not {names["dead"], names["reused"]} & left
        assert {names["alive"], names["elsewhere"], names["foreign"]} <= left and not set(swept) & left
        assert content(f"{root}/instances/{names['elsewhere']}/tracing_on") == "1\n"
    finally:
        os.close(held)
        for name in names.values():
            tracefs.remove_instance(f"{root}/instances/{name}")


@needs_tracefs
def test_a_guardian_acts_when_its_descriptor_closes_and_not_when_dismissed():
    root = tracefs.tracefs_path()
    path = f"{root}/instances/tophalf-{os.getpid()}-0-1"
    os.mkdir(path)
    dismiss(start_guardian(path))
    held = start_guardian(path)
    time.sleep(0.1)  # the dismissed one had its chance
    assert os.path.isdir(path)
    os.close(held)
    assert until(lambda: not os.path.exists(path))


def until(condition, seconds=3.0):
    """Whether a condition came true within that time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@needs_tracefs
def test_following_hands_out_every_event_once():
    from tophalf.host.door import Machine
    from tophalf.host.roots import MemoryRoot
    from tophalf.host.trace.traces import load_events

    work = 0
    for number, poll in enumerate(follow(0.5, memory_mib=8)):
        if number == 1:
            send_datagrams(23)
        events = load_events(Machine("live", "trace", [], MemoryRoot({}, {}), poll.source))
        mine = (events.kind == vocab.NAPI_POLL) & (events.pid == os.getpid())
        work += int(events.b[mine].sum()) if mine.any() else 0
        assert poll.lost == 0
    assert work == 23
