"""trace.dat: every event of every file is what trace-cmd says; versions and compressions; damage is survived."""

import contextlib
import glob
import os
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tracefiles as make
import tracetwin as twin
from tophalf import compiled, vocab
from tophalf.errors import FormatError
from tophalf.host.door import TraceSource, open_machine, open_trace
from tophalf.host.trace.tracedat import lost_by_stats, read_trace_dat
from tophalf.host.trace.traces import load_events

DATA = os.path.join(os.path.dirname(__file__), "data", "hosts")
FILES = sorted(glob.glob(os.path.join(DATA, "*.trace.dat")) + glob.glob(os.path.join(DATA, "..", "traces", "*.dat")))
VEC = make.format_text("softirq_raise", 153, ("unsigned int vec", 8, 4, False))
NAMED = make.format_text("irq_handler_entry", 157, ("int irq", 8, 4, True), ("__data_loc char[] name", 12, 4, False))
pytestmark = pytest.mark.kernels


@pytest.fixture(params=["plain", "compiled"])
def form(request, monkeypatch):
    """Both forms of the inner loops, whatever the size of the trace."""
    if request.param == "compiled" and not compiled.jit_is_enabled():
        pytest.skip("NUMBA_DISABLE_JIT=1: nothing is compiled")
    monkeypatch.setattr(compiled, "COMPILED_ROWS_MIN", 0 if request.param == "compiled" else 1 << 60)
    return request.param


def load(data, path="made.dat", notes=None):
    """The table of a file in memory."""

    class Machine:
        trace = TraceSource("dat", path, data)

    Machine.notes = [] if notes is None else notes
    return load_events(Machine)


def raises(vecs, start=1000, step=10):
    """Pages with one softirq_raise each `step` ns."""
    events = b"".join(make.event(step, make.record(153, vec.to_bytes(4, "little"), 1, 0, 7)) for vec in vecs)
    return make.page(start, events)


@pytest.mark.parametrize("path", FILES, ids=os.path.basename)
def test_every_event_is_what_trace_cmd_reports(path, form):
    twin.need_trace_cmd()
    machine = open_machine(path)
    table = load_events(machine)
    twin.compare(table, path)
    assert machine.notes == [] and table.clock in ("local", "mono")


def test_a_trace_that_lost_events_says_how_many_and_where(form):
    """Of CPU 2 trace-cmd prints `384 EVENTS DROPPED` and `195 EVENTS DROPPED`."""
    table = load_events(open_machine(os.path.join(DATA, "..", "traces", "lost-6.12.dat")))
    flagged = (table.flags & vocab.FLAG_LOST_BEFORE) != 0
    assert table.lost == {2: 579} and table.cpu[flagged].tolist() == [2, 2]


@pytest.mark.parametrize("options", [("6", "none"), ("7", "none"), ("7", "zstd")], ids="-".join)
def test_versions_and_compressions_give_the_same_table(options, tmp_path):
    twin.need_trace_cmd()
    version, compression = options
    source, path = os.path.join(DATA, "slow.trace.dat"), str(tmp_path / "converted.dat")
    command = ["trace-cmd", "convert", "-i", source, "-o", path, "--file-version", version, "--compression", compression]
    subprocess.run(command, check=True, capture_output=True)
    table, same = load_events(open_machine(path)), load_events(open_machine(source))
    assert str(read_trace_dat(make.file_bytes(open_trace(path)), path).version) == version
    assert table.digest() == same.digest() and table.tasks == same.tasks and table.cpus == same.cpus


@pytest.mark.parametrize("compression", ["none", "zlib", "zstd"])
def test_a_file_of_our_own_making_reads_like_its_source(compression, form):
    source = open_trace(os.path.join(DATA, "slow.trace.dat"))
    data = make.repeated(source, 1, compression)
    assert load(data).digest() == load(make.file_bytes(source)).digest()


def test_big_trace_in_compiled_form_is_the_small_one_many_times_over():
    source = open_trace(os.path.join(DATA, "slow.trace.dat"))
    table, once = load(make.repeated(source, 20)), load(make.file_bytes(source))
    assert len(table) == 20 * len(once)
    assert (table.a.reshape(20, -1) == once.a).all() and (table.kind.reshape(20, -1) == once.kind).all()


@pytest.mark.parametrize("writer", [make.dat6, make.dat7])
def test_what_we_write_trace_cmd_reads(writer, tmp_path):
    twin.need_trace_cmd()
    path = tmp_path / "made.dat"
    pages = [raises([1, 3]), raises([9], start=1005)]
    cpus = pages if writer is make.dat6 else [("", "local", dict(enumerate(pages)))]
    path.write_bytes(writer(cpus, [("irq", VEC)]))
    assert [row[:3] for row in twin.twin_rows(str(path))] == [
        (1010, 0, "softirq_raise"), (1015, 1, "softirq_raise"), (1020, 0, "softirq_raise"),
    ]  # fmt: skip
    twin.compare(load_events(open_machine(str(path))), str(path))


def test_instances_with_different_events_are_one_trace(form):
    other = make.format_text("softirq_entry", 155, ("unsigned int vec", 8, 4, False))
    entry = make.page(1000, make.event(15, make.record(155, (3).to_bytes(4, "little"))))
    formats, notes = [("irq", VEC), ("irq", other)], []
    seven = load(make.dat7([("", "local", {0: raises([1, 2])}), ("more", "local", {0: entry})], formats), notes=notes)
    six = load(make.dat6([raises([1, 2])], formats, instances=[("more", [entry])]))
    for table in (seven, six):
        assert table.time_ns.tolist() == [1010, 1015, 1020]
        assert table.kind.tolist() == [vocab.SOFTIRQ_RAISE, vocab.SOFTIRQ_ENTRY, vocab.SOFTIRQ_RAISE]
    assert notes == ["buffers 'top', 'more' hold different events and are read as one trace"]


def test_of_instances_with_the_same_events_the_fullest_is_read():
    notes = []
    buffers = [("", "local", {0: raises([1])}), ("more", "local", {0: raises([1, 2])}), ("none", "local", {0: b""})]
    table = load(make.dat7(buffers, [("irq", VEC)]), notes=notes)
    assert table.a.tolist() == [1, 2] and "only 'more' is read" in notes[0]


def test_an_empty_top_buffer_is_no_matter():
    notes = []
    table = load(make.dat7([("", "local", {0: b""}), ("more", "mono", {2: raises([5])})], [("irq", VEC)]), notes=notes)
    assert table.a.tolist() == [5] and table.clock == "mono" and table.cpus == (2,) and notes == []


def test_trace_cmd_counts_the_events_of_both_instances(tmp_path):
    twin.need_trace_cmd()
    path = tmp_path / "two.dat"
    path.write_bytes(make.dat6([raises([1, 2])], [("irq", VEC)], instances=[("more", [raises([3])])]))
    assert len(twin.report(str(path))) == 3


STATS = "CPU: {}\nentries: 5\noverrun: {}\ncommit overrun: 1\nbytes: 9\noldest event ts:  1.5\ndropped events: 2\nread events: 7\n"


def test_lost_events_come_from_the_statistics():
    assert lost_by_stats(STATS.format(3, 40)) == {3: 43}
    stats = [STATS.format(0, 40), STATS.format(1, 0).replace("1\nbytes", "0\nbytes").replace("events: 2", "events: 0")]
    table = load(make.dat7([("", "local", {0: raises([1]), 1: raises([2])})], [("irq", VEC)], stats=stats))
    assert table.lost == {0: 43} and table.lost_events == 43


def test_statistics_of_an_instance_are_its_own():
    stats = [STATS.format(0, 0), "\nBuffer: more\n\n", STATS.format(0, 97)]
    buffers = [("", "local", {0: b""}), ("more", "local", {0: raises([1])})]
    assert load(make.dat7(buffers, [("irq", VEC)], stats=stats)).lost == {0: 100}


def test_a_tsc_clock_is_converted_and_a_counter_refused():
    cpus = {0: raises([1, 2], start=1 << 40)}
    tsc = (14, (1 << 22).to_bytes(4, "little") + (24).to_bytes(4, "little") + bytes(8))  # a quarter of a ns a cycle
    table = load(make.dat7([("", "x86-tsc", cpus)], [("irq", VEC)], extra=[tsc]))
    assert table.time_ns.tolist() == [((1 << 40) + 10) // 4, ((1 << 40) + 20) // 4]
    for clock in ("x86-tsc", "counter"):
        with pytest.raises(FormatError, match=f"{clock} counts no time"):
            load(make.dat7([("", clock, cpus)], [("irq", VEC)]))


def test_a_32_bit_kernel(form):
    pages = make.page(1000, make.event(10, make.record(153, (3).to_bytes(4, "little"))), lost=5, commit_size=4)
    table = load(make.dat7([("", "local", {0: pages})], [("irq", VEC)], commit_size=4))
    assert table.a.tolist() == [3] and table.lost == {0: 5}


REFUSED = {
    "big endian": (lambda data: data[:12] + b"\1" + data[13:], "big-endian"),
    "version 5": (lambda data: data[:10] + b"5" + data[11:], "version '5'"),
    "unknown compression": (lambda data: data.replace(b"none\0", b"lzma\0", 1), "lzma"),
    "cut in its header": (lambda data: data[:30], "damaged or cut short"),
    "no header_page": (lambda data: data.replace(b"header_page", b"header_pagE", 1), "header_page"),
    "strange header_page": (lambda data: data.replace(b"offset:16;", b"offset:17;", 1), "header_page describes"),
    "no event formats": (lambda data: data.replace(b"\x12\0\x08\0\0\0", b"\x63\0\x08\0\0\0", 1), "no event formats"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_refused_in_words(case):
    spoil, message = REFUSED[case]
    data = make.dat7([("", "local", {0: raises([1])})], [("irq", VEC)])
    with pytest.raises(FormatError, match=message) as error:
        load(spoil(data))
    assert "made.dat" in str(error.value) or case == "unknown compression"


def test_a_file_without_buffers_is_refused():
    with pytest.raises(FormatError, match="no buffer of events"):
        load(make.dat7([], [("irq", VEC)]))


def test_latency_traces_are_refused_in_words():
    with pytest.raises(FormatError, match="latency trace"):
        load(make.dat6([raises([1])], [("irq", VEC)]).replace(b"flyrecord\0", b"latency  \0", 1))
    text = make.dat7([], [("irq", VEC)], extra=[(22, bytes(8) + b"\0local\0")])
    with pytest.raises(FormatError, match="latency trace"):
        load(text)


def test_a_file_cut_within_its_events_is_read_so_far():
    notes = []
    data = make.dat6([raises([1, 2]) * 3, raises([3]) * 2], [("irq", VEC)])
    table = load(data[: -make.PAGE - 100], notes=notes)
    assert len(table) == 7 and "the file ends within the events of CPU 1" in notes[0]


def test_a_damaged_chunk_ends_its_cpu_alone():
    data = bytearray(make.dat7([("", "local", {0: raises([1]) * 25, 1: raises([2])})], [("irq", VEC)], "zlib"))
    second = [at for at in range(len(data)) if data[at : at + 2] == b"\x78\x9c"][-3]  # chunks: three of CPU 0, one of CPU 1
    data[second + 4 : second + 12] = bytes(8)
    notes = []
    table = load(bytes(data), notes=notes)
    assert len(table) == 10 + 1 and "the rest of CPU 0 is not read" in notes[0]


SOURCES = [
    make.dat6([raises([1, 2]), raises([3])], [("irq", VEC)], instances=[("more", [raises([5]), b""])], kallsyms=b"1 t x\n"),
    make.dat7([("", "local", {0: raises([1, 2]) * 2, 3: raises([4])})], [("irq", VEC), ("irq", NAMED)], stats=[STATS.format(0, 1)]),
    make.dat7([("", "mono", {0: raises([1, 2]) * 2, 3: raises([4])})], [("irq", VEC)], "zlib"),
    make.dat7([("", "mono", {0: raises([1, 2]) * 2, 3: raises([4])})], [("irq", VEC)], "zstd", [STATS.format(3, 1)]),
]


@given(
    source=st.sampled_from(range(len(SOURCES))),
    hits=st.lists(st.tuples(st.floats(0, 1), st.one_of(st.binary(min_size=1, max_size=8), st.integers(0, 7))), max_size=4),
    cut=st.one_of(st.just(1.0), st.floats(0, 1)),
)
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_damage_gives_a_format_error_or_a_table(source, hits, cut):
    data = bytearray(SOURCES[source])
    for place, what in hits:
        at = int(place * (len(data) - 9))
        if isinstance(what, int):
            data[at] ^= 1 << what
        else:
            data[at : at + len(what)] = what
    with contextlib.suppress(FormatError):
        table = load(bytes(data[: int(cut * len(data))]))
        assert (table.time_ns[1:] >= table.time_ns[:-1]).all()
        assert table.name.max(initial=-1) < len(table.strings)
        table.function(0x1234)


@given(place=st.floats(0, 1), junk=st.binary(min_size=1, max_size=64))
@settings(max_examples=60, deadline=None)
def test_real_files_with_damage(place, junk):
    data = bytearray(make.file_bytes(open_trace(os.path.join(DATA, "storm.trace.dat"))))
    at = int(place * (len(data) - len(junk)))
    data[at : at + len(junk)] = junk
    with contextlib.suppress(FormatError):
        assert len(load(bytes(data))) <= 495 * 2
