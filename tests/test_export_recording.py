"""Recordings written from snapshots and event tables read back as what they were."""

import glob
import os
import tempfile

import numpy as np
import pytest
from hypothesis import given, settings

import anysnapshot
from tophalf import vocab
from tophalf.export.recording import write_recording
from tophalf.host.door import open_machine
from tophalf.host.sample import take_snapshots
from tophalf.host.trace.traces import load_events

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")
TRACES = sorted(glob.glob(f"{DATA}/traces/*.dat"))
HOSTS = sorted(glob.glob(f"{DATA}/hosts/*.tar.xz"))
COUNTERS = ("interrupts", "softirqs", "stat", "softnet", "irq_files", "default_affinity", "threads", "udp", "netdev_stats", "log")
FACTS = ("topology", "pci", "net", "block", "workqueues", "daemons", "sysctl")


def plain(value):
    """Records as dicts, so that a difference shows where it is."""
    if hasattr(value, "as_dict"):
        return plain(value.as_dict())
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return tuple(map(plain, value)) if isinstance(value, tuple | list) else value


@pytest.mark.parametrize("path", TRACES, ids=os.path.basename)
def test_events_read_back_equal(path, tmp_path):
    table = load_events(open_machine(path))
    file = str(tmp_path / "x.tar")
    shots = take_snapshots(open_machine(HOSTS[0]))
    write_recording(file, shots[:1], table)
    again = load_events(open_machine(file))
    for name in ("time_ns", "cpu", "kind", "pid", "flags", "preempt", "a", "b", "c"):
        assert np.array_equal(getattr(table, name), getattr(again, name)), name
    assert again.digest() == table.digest()
    assert (again.cpus, again.lost, again.clock) == (table.cpus, table.lost, table.clock)


@pytest.mark.parametrize("path", HOSTS, ids=os.path.basename)
def test_snapshots_read_back_equal(path, tmp_path):
    shots = take_snapshots(open_machine(path))
    file = str(tmp_path / "x.tar")
    write_recording(file, shots)
    again = take_snapshots(open_machine(file))
    assert len(again) == len(shots)
    for at, (read, shot) in enumerate(zip(again, shots, strict=True)):
        for name in COUNTERS:
            assert plain(getattr(read, name)) == plain(getattr(shot, name)), (at, name)
        for name in FACTS:
            assert plain(getattr(read.facts, name)) == plain(getattr(shot.facts, name)), (at, name)


@given(anysnapshot.series())
@settings(max_examples=60)
def test_whatever_a_host_can_show_reads_back_equal(shots):
    with tempfile.TemporaryDirectory() as folder:
        write_recording(f"{folder}/x.tar", shots)
        again = take_snapshots(open_machine(f"{folder}/x.tar"))
    assert len(again) == len(shots)
    for read, shot in zip(again, shots, strict=True):
        assert plain(read.replace(missing=None)) == plain(shot.replace(missing=None))


@pytest.mark.parametrize("command", ["irqs", "cpus", "check", "trace", "laws"])
def test_commands_read_what_was_written(command, tmp_path, capsys):
    from tophalf.cli.main import main

    file, host = str(tmp_path / "x.tar"), f"{DATA}/hosts/netrx-flood"
    table = load_events(open_machine(None, f"{host}.trace.dat"))
    write_recording(file, take_snapshots(open_machine(f"{host}.tar.xz")), table)
    assert main([command, file]) == (1 if command == "check" else 0)  # check: 1 for findings
    shown = capsys.readouterr().out
    assert "napi-saturated" in shown or command != "check"
    if command in ("irqs", "cpus"):
        main([command, f"{host}.tar.xz"])
        assert shown.split("\n")[1:] == capsys.readouterr().out.split("\n")[1:]


def test_what_the_model_traces_reads_back_equal(tmp_path):
    from modelworlds import mixed
    from tophalf.model.table import event_table

    world = mixed().world(trace_rows=500)
    world.run(5_000_000)
    table, file = event_table(world), str(tmp_path / "x.tar")
    write_recording(file, take_snapshots(open_machine(HOSTS[0]))[:1], table)
    again = load_events(open_machine(file))
    assert again.digest() == table.digest()
    assert (again.cpus, again.clock) == (table.cpus, table.clock)
    assert {pid: comm for pid, comm in table.tasks.items() if pid} == {pid: comm for pid, comm in again.tasks.items() if pid}
    functions = set(table.b[table.kind == vocab.TASKLET_ENTRY].tolist())
    for read in (table, again):
        assert {read.function(address) for address in functions} == {"edge_tasklet"}
