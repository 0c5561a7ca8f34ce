"""Ring buffer pages: made ones come back as they went in, in both forms of the loops; damaged ones never reach past an end."""

import random
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tracefiles as make
from tophalf import compiled, vocab
from tophalf.errors import FormatError
from tophalf.events import COLUMNS
from tophalf.host.trace import ringbuffer_kernels as plain_kernels
from tophalf.host.trace.formats import parse_format
from tophalf.host.trace.ringbuffer import Stream, decode
from tophalf.host.trace.ringbuffer_extract import extract_fields
from tophalf.host.trace.ringbuffer_fields import read_fields
from tophalf.host.trace.ringbuffer_layouts import interpretation, layout_table

FORMATS = [
    ("irq", make.format_text("softirq_raise", 10, ("unsigned int vec", 8, 4, False))),
    ("irq", make.format_text("irq_handler_entry", 11, ("int irq", 8, 4, True), ("__data_loc char[] name", 12, 4, False))),
    ("irq", make.format_text("irq_handler_exit", 12, ("int irq", 8, 4, True), ("int ret", 12, 4, True))),
    ("irq", make.format_text("tasklet_entry", 13, ("void * tasklet", 8, 8, False), ("void * func", 16, 8, False))),
    ("sched", make.format_text(
        "sched_switch", 14, ("char prev_comm[16]", 8, 16, False), ("pid_t prev_pid", 24, 4, True), ("int prev_prio", 28, 4, True),
        ("long prev_state", 32, 8, True), ("char next_comm[16]", 40, 16, False), ("pid_t next_pid", 56, 4, True),
        ("int next_prio", 60, 4, True))),
    ("irq_vectors", make.format_text("local_timer_entry", 15, ("int vector", 8, 4, True))),
    ("irq_vectors", make.format_text("local_timer_exit", 16, ("int vector", 8, 4, True))),
    ("signal", make.format_text("signal_generate", 17, ("int sig", 8, 4, True))),
    ("napi", make.format_text(
        "napi_poll", 18, ("struct napi_struct * napi", 8, 8, False), ("__rel_loc char[] dev_name", 16, 4, False),
        ("int work", 20, 4, True), ("int budget", 24, 4, True))),
]  # fmt: skip
PARSED = {event.id: event for event in (parse_format(text, system) for system, text in FORMATS)}
pytestmark = pytest.mark.kernels


def form_of(name):
    if name == "compiled" and not compiled.jit_is_enabled():
        pytest.skip("NUMBA_DISABLE_JIT=1: nothing is compiled")
    return 1 << 60 if name == "compiled" else 0


@pytest.fixture(params=["plain", "compiled"])
def rows(request):
    """Forces one form of the loops."""
    return form_of(request.param)


def decoded(pages, rows, page_size=make.PAGE, commit_size=8):
    """Decode {cpu: pages}."""
    data, streams = b"", []
    for cpu, part in pages.items():
        streams.append(Stream(cpu=cpu, start=len(data), end=len(data) + len(part)))
        data += part
    return decode(data, streams, page_size, commit_size, PARSED, rows)


def column(result, name):
    return result.columns[name].tolist()


def raised(vec=3, **common):
    return make.record(10, struct.pack("<I", vec), **common)


def entered(irq, name):
    text = name + b"\0"
    return make.record(11, struct.pack("<iHH", irq, 16, len(text)) + text)


def switched(prev, state, comm, pid, prio=120):
    names = comm[0].ljust(16, b"\0"), comm[1].ljust(16, b"\0")
    payload = struct.pack("<16siiq16sii", names[0], prev, prio, state, names[1], pid, prio)
    return make.record(14, payload, pid=prev)


def test_times_add_up_over_every_kind_of_event(rows):
    events = [
        make.event(5, raised(1)), make.time_extend(1 << 30), make.event(7, raised(2), long=True), make.discarded(11, 24),
        make.event(0, raised(3)), make.time_stamp(1 << 40), make.event(2, raised(4)),
    ]  # fmt: skip
    result = decoded({0: make.page(1000, b"".join(events)) + make.page(1 << 41, make.event(1, raised(5)))}, rows)
    start = 1000 + 5
    assert column(result, "time_ns") == [
        start, start + (1 << 30) + 7, start + (1 << 30) + 18, (1 << 40) + 2, (1 << 41) + 1,
    ]  # fmt: skip
    assert column(result, "a") == [1, 2, 3, 4, 5] and result.notes == []


def test_an_absolute_time_stamp_keeps_the_bits_above_its_own(rows):
    top = 3 << 59
    result = decoded({0: make.page(top + 5, make.time_stamp(77) + make.event(1, raised()))}, rows)
    assert column(result, "time_ns") == [top + 78]


def test_a_page_ends_at_padding_without_delta(rows):
    events = make.event(1, raised(1)) + struct.pack("<II", 29, 0) + make.event(1, raised(2))
    assert column(decoded({0: make.page(0, events)}, rows), "a") == [1]


def test_fields_of_every_interpreted_shape(rows):
    address = 0xFFFFFFFF81234568
    records = [
        make.record(10, struct.pack("<I", 0xFFFFFFFE), flags=0x11, preempt=0x21, pid=-1),
        entered(-7, b"eth0-rx, and more"),
        make.record(12, struct.pack("<ii", 35, -2)),
        make.record(13, struct.pack("<QQ", address, address + 8)),
        switched(40, 0x102, (b"prev comm", b"sixteen-letters!"), 41),
        make.record(15, struct.pack("<i", 236)), make.record(16, struct.pack("<i", 236)),
        make.record(17, struct.pack("<i", 9)), make.record(99, b"whatever"),
        make.record(18, struct.pack("<QHHii", 0x10, 8, 5, 64, 64) + b"eth0\0\0\0\0"),
    ]  # fmt: skip
    result = decoded({2: make.page(0, b"".join(make.event(1, data) for data in records))}, rows)
    names = [result.strings[index] if index >= 0 else None for index in column(result, "name")]
    signed = address - (1 << 64)
    assert list(zip(*(column(result, name) for name in ("kind", "a", "b", "c")), names, strict=True)) == [
        (vocab.SOFTIRQ_RAISE, 0xFFFFFFFE, 0, 0, None),
        (vocab.IRQ_HANDLER_ENTRY, -7, 0, 0, "eth0-rx, and more"),
        (vocab.IRQ_HANDLER_EXIT, 35, -2, 0, None),
        (vocab.TASKLET_ENTRY, signed, signed + 8, 0, None),
        (vocab.SCHED_SWITCH, 41, 0x102, 120, "sixteen-letters!"),
        (vocab.VECTOR_ENTRY, 236, 0, 0, "local_timer"),
        (vocab.VECTOR_EXIT, 236, 0, 0, "local_timer"),
        (vocab.OTHER, 17, 0, 0, "signal_generate"),
        (vocab.OTHER, 99, 0, 0, None),
        (vocab.NAPI_POLL, 0x10, 64, 64, "eth0"),
    ]
    assert (column(result, "flags")[0], column(result, "preempt")[0], column(result, "pid")[0]) == (0x11, 0x21, -1)
    assert result.tasks == {40: "prev comm", 41: "sixteen-letters!"} and set(column(result, "cpu")) == {2}


def test_the_newest_name_of_a_task_holds(rows):
    records = [switched(1, 0, (b"one", b"two"), 2), switched(2, 0, (b"deux", b"one"), 1), switched(1, 0, (b"un", b"zwei"), 2)]
    result = decoded({0: make.page(0, b"".join(make.event(1, data) for data in records))}, rows)
    assert result.tasks == {1: "un", 2: "zwei"}


def test_a_name_of_a_record_equal_to_an_events_own_is_one_string(rows):
    records = [make.record(17, bytes(4)), entered(1, b"signal_generate"), entered(2, b"other")]
    result = decoded({0: make.page(0, b"".join(make.event(1, data) for data in records))}, rows)
    assert result.strings == ["signal_generate", "other"] and column(result, "name") == [0, 0, 1]


def test_rows_are_in_order_of_time_then_cpu_then_place(rows):
    pages = {
        3: make.page(0, make.event(5, raised(1)) + make.event(0, raised(2))),
        1: make.page(0, make.event(5, raised(3)) + make.event(0, raised(4)) + make.event(3, raised(5))),
        2: b"",
    }
    result = decoded(pages, rows)
    assert column(result, "a") == [3, 4, 1, 2, 5] and column(result, "cpu") == [1, 1, 3, 3, 1]


def test_lost_events_are_flagged_and_counted(rows):
    pages = {
        0: make.page(0, make.event(1, raised(1))) + make.page(9, make.event(1, raised(2)) + make.event(1, raised(3)), lost=7),
        1: make.page(0, b"", lost=2) + make.page(5, make.event(1, raised(4)), lost="some"),
    }
    result = decoded(pages, rows)
    lost = [bool(flags & vocab.FLAG_LOST_BEFORE) for flags in column(result, "flags")]
    assert dict(zip(column(result, "a"), lost, strict=True)) == {1: False, 2: True, 3: False, 4: True}
    assert result.gaps == {0: 7, 1: None}


def test_pages_cut_after_their_committed_bytes(rows):
    pages = make.page(0, make.event(1, raised(1)), size=0) + make.page(9, make.event(1, raised(2)), lost=7, size=0)
    pages += make.page(20, make.event(1, raised(3)), lost="some", size=0)
    result = decoded({0: pages}, rows, page_size=0)
    assert column(result, "a") == [1, 2, 3] and result.gaps == {0: None} and result.notes == []


def test_damage_is_said(rows):
    broken = bytearray(make.page(0, make.event(1, raised(1)) + make.event(1, raised(2)) + make.event(1, raised(3))))
    struct.pack_into("<I", broken, 16 + 16, 28)  # the second event now claims 112 bytes, more than the page has left
    backward = make.page(100, make.event(1, raised(4))) + make.page(50, make.event(1, raised(5)))
    short = make.page(60, make.event(1, make.record(13, bytes(8))))
    result = decoded({0: bytes(broken), 1: backward, 2: short}, rows)
    assert column(result, "a") == [1, 5, 13, 4]
    assert result.notes == [
        "1 records are shorter than their format says; their fields are not read",
        "CPU 0: 1 damaged pages in the trace; the rest of each is not read",
        "CPU 1: time steps back 1 times in the trace; its events were sorted by time",
    ]


def test_a_text_that_would_lie_outside_its_record_is_none(rows):
    records = [make.record(11, struct.pack("<iHH", 1, at, size) + b"abc\0") for at, size in ((16, 9), (4000, 3))]
    result = decoded({0: make.page(0, b"".join(make.event(1, data) for data in records))}, rows)
    assert column(result, "name") == [-1, -1] and result.strings == []


def test_old_and_strange_formats():
    old = parse_format(make.format_text("workqueue_execute_end", 20, ("void * work", 8, 8, False)), "workqueue")
    table = layout_table({20: old}).table
    assert table[20, plain_kernels.KIND] == vocab.WORKQUEUE_EXECUTE_END and table[20, plain_kernels.B + plain_kernels.MASK] == 0
    moved = parse_format(make.format_text("softirq_raise", 10).replace("offset:4;", "offset:12;"), "irq")
    with pytest.raises(FormatError, match="common_pid is not at its usual place"):
        layout_table({10: moved})
    assert interpretation("kprobes", "softirq_raise") is None
    assert interpretation("irq_vectors", "vector_alloc") is None


def random_trace(seed, events):
    """{cpu: pages} of many random events, with all that a page can hold."""
    dice = random.Random(seed)
    pages = {}
    for cpu in range(3):
        parts, time = [], dice.randrange(1000)
        for _ in range(events // 36):
            body = b"".join(_random_event(dice) for _ in range(36))
            parts.append(make.page(time, body, lost=dice.choice([None] * 9 + [3, "some"])))
            time += 200_000
        pages[cpu] = b"".join(parts)
    return pages


def _random_event(dice):
    names = [b"", b"a", b"abc", b"eth0", b"virtio4-input.%d" % dice.randrange(40), b"x" * 19]
    records = [
        raised(dice.randrange(10), flags=dice.randrange(256), preempt=dice.randrange(256), pid=dice.randrange(1 << 22)),
        entered(dice.randrange(99), dice.choice(names)),
        switched(dice.randrange(9), dice.randrange(512), (dice.choice(names)[:16], dice.choice(names)[:16]), dice.randrange(9)),
        make.record(13, dice.randbytes(16)), make.record(15, struct.pack("<i", 236)), make.record(17, dice.randbytes(4)),
        make.record(dice.randrange(40), dice.randbytes(dice.choice((0, 4, 8, 12)))),
    ]  # fmt: skip
    between = dice.choice([b""] * 8 + [make.time_extend(dice.randrange(2000)), make.discarded(dice.randrange(1, 99), 16)])
    return between + make.event(dice.randrange(500), dice.choice(records), long=dice.random() < 0.1)


@pytest.mark.parametrize("seed", range(4))
def test_three_ways_to_read_the_fields_agree(seed):
    """The kernel plain, the kernel compiled, and numpy, on the same random records."""
    pages = random_trace(seed, 1500)
    results = [decoded(pages, 0)]
    if compiled.jit_is_enabled():
        results.append(decoded(pages, 1 << 60))
    data = np.frombuffer(b"".join(pages.values()), np.int8)
    layouts, wheres = layout_table(PARSED), _wheres(data, pages)
    ways = [extract_fields(plain_kernels, data, data.view(np.int32), wheres, layouts)]
    ways.append(read_fields(data, data.view(np.int32), wheres, layouts))
    assert ways[0][1:] == ways[1][1:] and len(ways[0][1]) > 20
    assert all((ways[0][0][name] == ways[1][0][name]).all() for name in ways[0][0])
    for result in results[1:]:
        assert all((result.columns[name] == results[0].columns[name]).all() for name, _ in COLUMNS)
        assert (result.strings, result.tasks, result.gaps) == (results[0].strings, results[0].tasks, results[0].gaps)


def _wheres(data, pages):
    room, start, parts = len(data) // 12, 0, []
    for part in pages.values():
        times, wheres = np.empty(room, np.int64), np.empty(room, np.int64)
        views = map(memoryview, (data.view(np.int32), times, wheres))
        source, *into = views
        count, *_ = plain_kernels.walk(source, start, start + len(part), make.PAGE, 8, *into, 0)
        parts.append(wheres[:count])
        start += len(part)
    return np.concatenate(parts)


@pytest.mark.parametrize("seed", range(30))
def test_damaged_pages_read_the_same_in_both_forms(seed):
    """Compiled code checks no index: what it reads from damaged pages must be what the plain form, which does, reads."""
    form_of("compiled")
    dice, pages = random.Random(seed), {}
    for cpu, part in random_trace(seed, 150).items():
        spoilt = bytearray(part)
        for _ in range(dice.randrange(1, 40)):
            at = dice.randrange(len(spoilt) // 4) * 4
            spoilt[at : at + 4] = dice.choice([dice.randbytes(4), bytes(4), b"\xff" * 4, struct.pack("<I", dice.randrange(32))])
        pages[cpu] = bytes(spoilt[: dice.randrange(len(spoilt) + 1) & ~3])
    for size in (make.PAGE, 0, 64):
        one, other = decoded(pages, 0, size), decoded(pages, 1 << 60, size)
        assert all((one.columns[name] == other.columns[name]).all() for name, _ in COLUMNS)
        assert (one.strings, one.tasks, one.gaps, one.notes) == (other.strings, other.tasks, other.gaps, other.notes)


@given(
    events=st.lists(
        st.tuples(st.integers(0, (1 << 27) - 1), st.integers(0, 9), st.integers(0, 255), st.integers(0, 1 << 22), st.booleans()),
        max_size=150,
    ),
    start=st.integers(0, 1 << 60),
)
@settings(max_examples=100, deadline=None)
def test_what_goes_in_comes_out(events, start):
    body = b"".join(make.event(delta, raised(vec, flags=flags, pid=pid), long) for delta, vec, flags, pid, long in events)
    result = decoded({0: make.page(start, body)}, 0)
    assert column(result, "a") == [vec for _, vec, *_ in events]
    assert column(result, "flags") == [flags for _, _, flags, _, _ in events]
    assert column(result, "pid") == [pid for *_, pid, _ in events]
    assert column(result, "time_ns") == [start + sum(one[0] for one in events[: at + 1]) for at in range(len(events))]


@given(st.binary(max_size=400), st.sampled_from([make.PAGE, 0, 32]), st.sampled_from([4, 8]))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_survived(data, page_size, commit_size):
    result = decoded({0: data[: len(data) & ~3]}, 0, page_size, commit_size)
    assert len(result.columns["a"]) <= len(data) // 12
