"""Export: what Parquet holds equals the table, and the bytes for Perfetto are its protobuf with balanced tracks."""

import collections
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tophalf import vocab
from tophalf.events import make_table
from tophalf.export.parquet import write_parquet
from tophalf.export.perfetto import field, varint, write_perfetto
from tophalf.host.door import open_machine
from tophalf.host.trace.traces import load_events

BEGIN, END, INSTANT = 1, 2, 3


@pytest.fixture(scope="module")
def slow(request):
    path = os.path.join(os.path.dirname(__file__), "data", "hosts", "slow.trace.dat")
    return load_events(open_machine(path))


def number_at(data, at):
    """A varint by the words of the specification: groups of 7 bits, the lowest first."""
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not data[at - 1] & 0x80:
            return value, at


def fields(data):
    """{field: [values]} of a protobuf message: varints as int, the rest as bytes."""
    found, at = collections.defaultdict(list), 0
    while at < len(data):
        key, at = number_at(data, at)
        if key & 7 == 0:
            value, at = number_at(data, at)
        elif key & 7 == 1:
            value, at = data[at : at + 8], at + 8
        else:
            assert key & 7 == 2
            length, at = number_at(data, at)
            value, at = data[at : at + length], at + length
            assert len(value) == length
        found[key >> 3].append(value)
    return found


def packets(path):
    with open(path, "rb") as file:
        return [fields(packet) for packet in fields(file.read())[1]]


def read_back(path):
    """(tracks {uuid: (name, parent)}, events [(time, type, uuid, name)]) as the UI resolves them."""
    tracks, names, events = {}, {}, []
    for packet in packets(path):
        for track in map(fields, packet[60]):
            tracks[track[1][0]] = (track[2][0].decode(), track[5][0] if 5 in track else None)
        for interned in map(fields, packet[12]):
            names.update((entry[1][0], entry[2][0].decode()) for entry in map(fields, interned[2]))
        for event in map(fields, packet[11]):
            events.append((packet[8][0], event[9][0], event[11][0], names[event[10][0]] if 10 in event else None))
    return tracks, events


@given(st.integers(0, (1 << 64) - 1))
def test_varints_read_back(number):
    assert number_at(varint(number), 0) == (number, len(varint(number)))
    assert fields(field(9, number)) == {9: [number]}


def test_slices_of_a_track_are_those_of_the_trace(slow, tmp_path):
    path = str(tmp_path / "slow.pftrace")
    told = write_perfetto(slow, path)
    tracks, events = read_back(path)
    assert told == sum(kind != END for _, kind, _, _ in events)
    assert [time for time, _, _, _ in events] == sorted(time for time, _, _, _ in events)
    lanes = {uuid: (tracks[parent][0], name) for uuid, (name, parent) in tracks.items() if parent}
    calls = collections.Counter(lanes[uuid] for _, kind, uuid, _ in events if kind == BEGIN)
    for cpu in slow.cpus:
        here = slow.cpu == cpu
        entries = np.count_nonzero(here & np.isin(slow.kind, (vocab.IRQ_HANDLER_ENTRY, vocab.VECTOR_ENTRY)))
        assert calls[f"CPU {cpu}", "hardirq"] == entries
        assert calls[f"CPU {cpu}", "softirq"] == np.count_nonzero(here & (slow.kind == vocab.SOFTIRQ_ENTRY))
    works = sum(count for (parent, _), count in calls.items() if parent == "work items")
    assert works == np.count_nonzero(slow.kind == vocab.WORKQUEUE_EXECUTE_START)


def test_an_end_never_comes_without_its_begin(slow, tmp_path):
    for first in (0, 17, 401, 4003):  # a trace may start in the middle of anything
        path = str(tmp_path / f"{first}.pftrace")
        write_perfetto(slow.rows(slice(first, None)), path)
        depth = collections.Counter()
        for _, kind, uuid, _ in read_back(path)[1]:
            depth[uuid] += {BEGIN: 1, END: -1, INSTANT: 0}[kind]
            assert depth[uuid] >= 0


def test_what_was_open_when_events_were_lost_is_ended_there(tmp_path):
    table = make_table(
        {
            "time_ns": [10, 20, 30, 40], "cpu": [0, 0, 0, 1], "flags": [0, 0, vocab.FLAG_LOST_BEFORE, 0],
            "kind": [vocab.IRQ_HANDLER_ENTRY, vocab.IRQ_HANDLER_ENTRY, vocab.SOFTIRQ_ENTRY, vocab.IRQ_HANDLER_EXIT],
            "a": [7, 8, vocab.NET_RX, 7], "name": [0, -1, -1, -1],
        },
        strings=["eth0"], cpus=(0, 1),
    )  # fmt: skip
    path = str(tmp_path / "lost.pftrace")
    write_perfetto(table, path)
    tracks, events = read_back(path)
    assert [(time, kind, tracks[uuid][0], name) for time, kind, uuid, name in events] == [
        (10, BEGIN, "hardirq", "irq 7 eth0"), (20, BEGIN, "hardirq", "irq 8"), (30, END, "hardirq", None),
        (30, END, "hardirq", None), (30, INSTANT, "hardirq", "events lost"), (30, BEGIN, "softirq", "NET_RX"),
    ]  # fmt: skip


def test_the_queueing_of_work_points_at_its_start(slow, tmp_path):
    path = str(tmp_path / "slow.pftrace")
    write_perfetto(slow, path)
    ends = collections.defaultdict(list)
    for packet in packets(path):
        for event in map(fields, packet[11]):
            for flow in event[47]:
                ends[flow].append(event[9][0])
    assert set(map(tuple, ends.values())) <= {(INSTANT,), (INSTANT, BEGIN)}
    assert sum(kinds == [INSTANT, BEGIN] for kinds in ends.values()) > 100


def test_parquet_holds_every_event_with_its_names(slow, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: Parquet cannot be written")
    path = str(tmp_path / "slow.parquet")
    write_parquet(slow, path)
    read = parquet.read_table(path)
    columns = read.to_pydict()
    for name in ("time_ns", "cpu", "pid", "flags", "preempt", "a", "b", "c"):
        assert columns[name] == getattr(slow, name).tolist()
    assert columns["name"] == [slow.text(index) for index in slow.name.tolist()]
    assert columns["comm"] == [slow.tasks.get(pid) for pid in slow.pid.tolist()]
    by_function = {row for row, kind in enumerate(slow.kind.tolist()) if "function" in vocab.EVENT_ARGUMENTS[kind]}
    by_function |= {row for row, kind in enumerate(slow.kind.tolist()) if "func" in vocab.EVENT_ARGUMENTS[kind]}
    assert {row for row, function in enumerate(columns["function"]) if function} == by_function
    assert collections.Counter(columns["event"])["irq_handler_entry"] == np.count_nonzero(slow.kind == vocab.IRQ_HANDLER_ENTRY)
    assert json.loads(read.schema.metadata[b"clock"]) == "local"
    assert json.loads(read.schema.metadata[b"arguments"])["napi_poll"] == ["napi", "work", "budget", "dev_name"]


def test_an_empty_trace_is_exported_too(tmp_path):
    empty = make_table({"time_ns": []}, cpus=(0,))
    write_perfetto(empty, str(tmp_path / "empty.pftrace"))
    assert read_back(str(tmp_path / "empty.pftrace"))[1] == []
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: Parquet cannot be written")
    write_parquet(empty, str(tmp_path / "empty.parquet"))
    assert parquet.read_table(str(tmp_path / "empty.parquet")).num_rows == 0


def export(*arguments):
    return subprocess.run([sys.executable, "-m", "tophalf", "export", *arguments], capture_output=True, text=True, timeout=120)


def test_the_command_writes_by_the_ending_and_never_over_a_file(data, tmp_path):
    trace, file = os.path.join(data, "hosts", "nvme.trace.dat"), str(tmp_path / "nvme.pftrace")
    done = export(trace, file)
    assert (done.returncode, done.stdout) == (0, f"{file}: 349 events as perfetto, 0.0 MB\n")
    assert export(trace, file).stderr.endswith("exists already; name another file, or overwrite it with --force\n")
    told = json.loads(export(trace, file, "--force", "--json").stdout)
    assert told == {"path": file, "format": "perfetto", "events": 349, "size_bytes": os.path.getsize(file)}


@pytest.mark.parametrize(
    ("machine", "file", "words"),
    [
        ("nvme.trace.dat", "out.csv", "its ending names no format"),
        ("nvme.tar.xz", "out.pftrace", "no tracing in this recording"),
        ("none.dat", "out.pftrace", "no such file"),
        ("/", "out.pftrace", "a live machine holds no events; record it"),
        ("nvme.trace.dat", "none/out.pftrace", "cannot be written (No such file or directory)"),
    ],
)
def test_what_cannot_be_exported_is_said_in_one_line(data, tmp_path, machine, file, words):
    done = export(os.path.join(data, "hosts", machine), str(tmp_path / file))
    assert done.returncode == 2 and words in done.stderr and done.stderr.count("\n") == 1
    assert os.listdir(tmp_path) == []
