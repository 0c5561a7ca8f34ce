"""load_events on every kind of MACHINE; the trace of a recording, whole and spoilt."""

import gzip
import json
import lzma
import os

import pytest

import tracefiles as make
from tophalf import vocab
from tophalf.errors import FormatError
from tophalf.host.door import TraceSource, open_machine
from tophalf.host.roots import MemoryRoot
from tophalf.host.trace.traces import load_events

DATA = os.path.join(os.path.dirname(__file__), "data", "hosts")
WORK = make.format_text("workqueue_execute_start", 31, ("void * work", 8, 8, False), ("void * function", 16, 8, False))
STATS = "entries: 0\noverrun: {}\ncommit overrun: 0\nbytes: 0\ndropped events: {}\nread events: 9\n"


def started(work, function):
    return make.record(31, work.to_bytes(8, "little") + function.to_bytes(8, "little"), pid=41)


def files():
    """A recording's trace: two CPUs, pages over two seconds on the first."""
    address = 0xFFFFFFFF81000010
    return {
        "/trace/meta.json": json.dumps({"clock": "mono", "cpus": [0, 1, 5]}).encode(),
        "/trace/header_page": make.header_page(),
        "/trace/events/workqueue/workqueue_execute_start/format": WORK.encode(),
        "/trace/saved_cmdlines": b"41 kworker/0:1\n0 <idle>\n7 <...>\nnonsense\n",
        "/trace/kallsyms.gz": gzip.compress(b"ffffffff81000000 t other\nffffffff81000010 T psi_avgs_work\n"),
        "/trace/cpu0/000000.100000.raw": make.page(1000, make.event(1, started(1, address)), size=0),
        "/trace/cpu0/000001.100000.raw": make.page(3000, make.event(1, started(2, address)), lost=4, size=0)
        + make.page(4000, make.event(1, started(3, address)), size=0),
        "/trace/cpu1/000001.100000.raw": make.page(2000, make.event(1, started(4, address)), size=0),
        "/trace/cpu0/000001.000000.stats": STATS.format(1, 0).encode(),
        "/trace/cpu0/000002.000000.stats": STATS.format(3, 1).encode(),
    }


def load(content, notes=None):
    class Machine:
        trace = TraceSource("recording", "rec.tar", MemoryRoot(content, {}))

    Machine.notes = [] if notes is None else notes
    return load_events(Machine)


def test_a_recording():
    notes = []
    table = load(files(), notes)
    assert table.time_ns.tolist() == [1001, 2001, 3001, 4001] and table.a.tolist() == [1, 4, 2, 3]
    assert (table.flags & vocab.FLAG_LOST_BEFORE).tolist() == [0, 0, vocab.FLAG_LOST_BEFORE, 0]
    assert table.lost == {0: 4} and table.cpus == (0, 1, 5) and table.clock == "mono" and table.source == "rec.tar"
    assert table.function(int(table.b[0])) == "psi_avgs_work" and table.tasks == {0: "<idle>", 41: "kworker/0:1"}
    assert notes == []


def test_without_statistics_the_pages_tell_what_was_lost():
    content = {name: data for name, data in files().items() if not name.endswith(".stats")}
    assert load(content).lost == {0: 4}


def test_a_recording_cut_short():
    """What a killed recorder leaves: the last page of a file that ends anywhere, no names, no statistics."""
    content, notes = files(), []
    for name in ("/trace/saved_cmdlines", "/trace/kallsyms.gz", "/trace/meta.json", "/trace/cpu0/000002.000000.stats"):
        del content[name]
    content["/trace/cpu0/000001.100000.raw"] = content["/trace/cpu0/000001.100000.raw"][:-6]
    table = load(content, notes)
    assert len(table) == 3 and table.clock == "unknown" and table.cpus == (0, 1)
    assert table.function(int(table.b[0])) == "0xffffffff81000010"
    assert notes == ["CPU 0: 1 damaged pages in the trace; the rest of each is not read"]


SPOILT = {
    "no header_page": ({"/trace/header_page": None}, "no header_page"),
    "header_page of nothing": ({"/trace/header_page": b"x"}, "header_page has no field"),
    "a format of nothing": (
        {"/trace/events/workqueue/workqueue_execute_start/format": b"x"},
        "execute_start/format: an event format",
    ),
}


@pytest.mark.parametrize("case", SPOILT)
def test_a_spoilt_recording_is_refused(case):
    changes, message = SPOILT[case]
    content = {name: data for name, data in {**files(), **changes}.items() if data is not None}
    with pytest.raises(FormatError, match=message):
        load(content)


def test_odd_meta_and_kallsyms_cost_only_themselves():
    notes = []
    table = load({**files(), "/trace/meta.json": b"[", "/trace/kallsyms.gz": b"no gzip"}, notes)
    assert len(table) == 4 and table.function(int(table.b[0])).startswith("0x") and "meta.json cannot be read" in notes[0]


def test_a_machine_without_a_trace():
    assert load_events(open_machine(os.path.join(DATA, "balanced.tar.xz"))) is None


def test_a_trace_beside_a_machine():
    machine = open_machine(os.path.join(DATA, "storm.tar.xz"), os.path.join(DATA, "storm.trace.dat"))
    table = load_events(machine)
    assert len(table) == 495 and table.tasks[0] == "<idle>"


def test_a_packed_trace_dat(tmp_path):
    path = tmp_path / "packed.dat.xz"
    with open(os.path.join(DATA, "storm.trace.dat"), "rb") as file:
        path.write_bytes(lzma.compress(file.read(), preset=0))
    assert len(load_events(open_machine(str(path)))) == 495
