"""Recording this machine: known work found again, nothing lost, and what is left of a recording that ends badly."""

import json
import os
import resource
import signal
import subprocess
import sys
import tarfile
import time

import numpy as np
import pytest

from live_tracing import instances, needs_tracefs, send_datagrams
from tophalf import vocab
from tophalf.host.door import open_machine
from tophalf.host.read import ALL_FACTS, read_facts
from tophalf.host.record import tracefs
from tophalf.host.record.recorder import record, record_machine
from tophalf.host.record.tracing import total_counts
from tophalf.host.roots import live_root
from tophalf.host.sample import take_snapshots
from tophalf.host.steer.fixed import read_fixed
from tophalf.host.trace.traces import load_events

pytestmark = needs_tracefs
THREADS = ("ksoftirqd/", "irq/", "kworker/", "ktimers/", "rcuc/", "napi/")
DATAGRAMS = 23  # a prime number: a match is no accident


class Known:
    """Known work once a recording runs: datagrams after its first second, then its end."""

    def __init__(self):
        self.sent = 0

    def __call__(self, _progress):
        self.sent = send_datagrams(DATAGRAMS)

    def stop(self):
        return bool(self.sent)


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """A recording with known work in it: (Recording, Machine, EventTable)."""
    work = Known()
    recording = record(str(tmp_path_factory.mktemp("known") / "host.tar"), 30, on_second=work, stop=work.stop)
    machine = open_machine(recording.path)
    return recording, machine, load_events(machine)


def test_known_work_is_found_again(known):
    _, _, events = known
    polls = (events.kind == vocab.NAPI_POLL) & (events.pid == os.getpid())
    assert int(events.b[polls].sum()) == DATAGRAMS
    raised = (events.kind == vocab.SOFTIRQ_RAISE) & (events.pid == os.getpid()) & (events.a == vocab.NET_RX)
    assert np.count_nonzero(raised) >= DATAGRAMS


def test_every_event_the_kernel_counted_is_in_the_file(known):
    recording, machine, events = known
    assert recording.lost == 0 and recording.events == len(events) > 0
    folders = {cpu: f"/trace/cpu{cpu}" for cpu in recording.meta["cpus"]}
    last = {}
    for cpu, folder in folders.items():
        names = [name for name in machine.base.listing(folder) if name.endswith(".stats")]
        last[cpu] = machine.base.read(f"{folder}/{names[-1]}")
    assert total_counts(last) == (len(events), 0)


def test_the_scheduler_is_recorded_for_interrupt_work_only(known):
    _, _, events = known
    for row in np.flatnonzero(events.kind == vocab.SCHED_WAKEUP).tolist():
        in_interrupt = events.flags[row] & (vocab.FLAG_HARDIRQ | vocab.FLAG_SOFTIRQ)
        assert in_interrupt or events.text(int(events.name[row])).startswith(THREADS)


def test_the_recording_says_what_it_is(known):
    recording, machine, events = known
    assert (machine.kind, machine.notes, recording.reason, recording.complete) == ("recording", [], "stopped", True)
    meta = json.loads(machine.base.read("/trace/meta.json"))
    assert meta["clock"] == events.clock == "mono" and meta["pid"] == os.getpid()
    assert meta["boot_id"] == live_root().word("/proc/sys/kernel/random/boot_id")
    assert meta["start_mono_ns"] <= events.time_ns[0] and events.span_ns <= recording.elapsed_ns
    assert "irq:softirq_entry" in meta["events"] and not meta["refused"].get("irq")
    end = json.loads(machine.base.read("/trace/end.json"))
    assert (end["events"], end["lost"], end["reason"]) == (len(events), 0, "stopped")


def test_its_moments_hold_what_the_live_machine_shows(known):
    _, machine, _ = known
    snapshots = take_snapshots(machine)
    assert [snapshot.time_ns // 10**9 for snapshot in snapshots[:2]] == [0, 1] and len(snapshots) == 3
    for snapshot in snapshots:
        assert snapshot.interrupts.lines and snapshot.softirqs.rows and snapshot.stat.ticks and snapshot.softnet and snapshot.udp
        assert snapshot.netdev_stats["lo"]["rx_packets"] >= 0
        assert any(thread.kind == "ksoftirqd" and thread.cpu_ns > 0 for thread in snapshot.threads.values())
    for snapshot in (snapshots[0], snapshots[-1]):
        assert snapshot.irq_files and snapshot.default_affinity and snapshot.log is not None
    packets = snapshots[-1].netdev_stats["lo"]["rx_packets"] - snapshots[0].netdev_stats["lo"]["rx_packets"]
    assert packets >= DATAGRAMS


def test_its_facts_are_the_live_machines(known):
    _, machine, _ = known
    recorded, live = read_facts(machine.moments[0][1]), read_facts(live_root())
    for field in ALL_FACTS:
        if field not in ("net", "daemons"):
            assert getattr(recorded, field) == getattr(live, field), field
    for name, device in recorded.net.items():
        for field in set(device.__slots__) - {"napi", "operstate"}:  # NAPI instances have no recorded form
            assert getattr(device, field) == getattr(live.net[name], field), (name, field)


def test_processes_are_kept_without_their_arguments(known):
    _, machine, _ = known
    root = machine.moments[0][1]
    assert root.read(f"/proc/{os.getpid()}/comm")
    assert root.read(f"/proc/{os.getpid()}/cmdline") is None and root.read(f"/proc/{os.getpid()}/environ") is None


def test_it_holds_what_the_kernel_shows_of_fixed_lines(known):
    marked = {irq for irq, proof in read_fixed(live_root()).items() if "read-only" in proof}
    for _, root in (known[1].moments[0], known[1].moments[-1]):
        assert set(read_fixed(root)) == marked


def test_unpacked_it_is_the_same_recording(known, tmp_path):
    recording, machine, events = known
    with tarfile.open(recording.path) as tar:
        tar.extractall(tmp_path, filter="data")
    unpacked = open_machine(str(tmp_path))
    assert unpacked.kind == "recording" and load_events(unpacked).digest() == events.digest()
    assert [time_ns for time_ns, _ in unpacked.moments] == [time_ns for time_ns, _ in machine.moments]


def test_a_recording_can_be_had_as_a_machine():
    machine, recording = record_machine(0.3, memory_mib=8)
    assert (machine.label, machine.kind, machine.live) == ("this host", "live", False)
    assert len(machine.moments) == 2 and not os.path.exists(recording.path)
    assert len(load_events(machine)) == recording.events


def test_lost_events_are_counted_to_the_last_one(tmp_path):
    """A recorder that does not come to read: 64 KiB a CPU hold some 3,000 events, this makes 40,000 without a poll."""
    work = Known()

    def flood(_progress):
        cpus = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(cpus)})  # all into one buffer, wherever a busy machine would move the sender
        try:
            work.sent = send_datagrams(10_000)
        finally:
            os.sched_setaffinity(0, cpus)

    memory_mib = -(-64 * os.sysconf("SC_NPROCESSORS_CONF") // 1024)
    recording = record(str(tmp_path / "lost.tar"), 30, "irq,napi", memory_mib=memory_mib, on_second=flood, stop=work.stop)
    machine = open_machine(recording.path)
    events = load_events(machine)
    assert recording.lost > 10_000 and events.lost_events == recording.lost
    assert len(events) == recording.events and recording.events + recording.lost >= 40_000
    assert np.count_nonzero(events.flags & vocab.FLAG_LOST_BEFORE) >= 1


def test_a_full_disk_keeps_what_was_written_before(tmp_path):
    path = str(tmp_path / "full.tar")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(_progress):
        resource.setrlimit(resource.RLIMIT_FSIZE, (os.path.getsize(path) + 2048, limit[1]))

    try:
        recording = record(path, 30, memory_mib=8, on_second=fill)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert not recording.complete and "cannot be written further" in recording.reason
    machine = open_machine(path)
    assert machine.kind == "recording" and len(machine.moments) == 2 and machine.notes == []
    assert len(load_events(machine)) > 0
    assert tracefs.instance_name() not in instances()


def test_what_cannot_be_begun_leaves_no_file(tmp_path):
    def fail(_tracing):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record(str(tmp_path / "none.tar"), 1, memory_mib=8, on_start=fail)
    assert os.listdir(tmp_path) == [] and tracefs.instance_name() not in instances()


class Recorder:
    """`tophalf record` as a process of its own, once it has recorded its first second."""

    def __init__(self, path):
        self.path = str(path)
        command = [sys.executable, "-m", "tophalf", "record", self.path, "--memory", "8", "--seconds", "60"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.instance = f"tophalf-{self.process.pid}-{tracefs.start_time(self.process.pid)}"
        while "events/s" not in self.process.stderr.readline():
            assert self.process.poll() is None

    def end(self, number):
        """End it by a signal. Returns (exit status, what it printed)."""
        self.process.send_signal(number)
        output, _ = self.process.communicate(timeout=20)
        return self.process.returncode, output


def gone(instance, seconds=3.0):
    end = time.monotonic() + seconds
    while instance in instances() and time.monotonic() < end:
        time.sleep(0.02)
    return instance not in instances()


def test_killed_it_leaves_a_readable_file_and_no_instance_and_no_harm_to_others(tmp_path):
    killed, other = Recorder(tmp_path / "killed.tar"), Recorder(tmp_path / "other.tar")
    assert {killed.instance, other.instance} <= instances()
    assert killed.end(signal.SIGKILL)[0] == -signal.SIGKILL
    assert gone(killed.instance)
    assert other.instance in instances()
    status, output = other.end(signal.SIGINT)
    assert status == 0 and "none lost" in output and gone(other.instance)

    machine = open_machine(killed.path)
    assert machine.kind == "recording" and len(machine.moments) >= 2 and load_events(machine).span_ns > 500_000_000
    assert machine.base.read("/trace/end.json") is None
    machine = open_machine(other.path)
    assert machine.notes == [] and len(load_events(machine)) == json.loads(machine.base.read("/trace/end.json"))["events"]


def test_a_recording_cut_anywhere_is_read_up_to_there(known, tmp_path):
    recording, machine, events = known
    with open(recording.path, "rb") as file:
        data = file.read()
    first = data.index(b"/001.00", data.index(b"trace/meta.json"))
    for share in (0.0, 0.3, 0.6, 0.9):
        path = tmp_path / f"{share}.tar"
        path.write_bytes(data[: first + int(share * (len(data) - first))])
        cut = open_machine(str(path))
        assert cut.kind == "recording" and 1 <= len(cut.moments) <= len(machine.moments)
        for time_ns, root in cut.moments:
            assert root.read("/proc/uptime") and (time_ns, root.read("/proc/stat")) in [
                (whole_ns, whole.read("/proc/stat")) for whole_ns, whole in machine.moments
            ]
        assert 0 < len(load_events(cut)) <= len(events)
