"""Traces in text, in every dialect that is printed: the kernel's, trace-cmd's with its plugins, trace-cmd's raw fields."""

import contextlib
import lzma
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tracetwin as twin
from tophalf import vocab
from tophalf.errors import FormatError
from tophalf.host.door import open_machine
from tophalf.host.trace.symbols import NamedFunctions
from tophalf.host.trace.traces import load_events
from tophalf.host.trace.tracetext import LINE_LENGTH_MAX, read_trace_text
from tophalf.host.trace.tracetext_args import Arguments

DATA = os.path.join(os.path.dirname(__file__), "data", "hosts")
IDLE = os.path.join(DATA, "idle-6.18.trace.txt.xz")


def read(text, notes=None):
    return read_trace_text(text.encode(), "made.txt", [] if notes is None else notes)


def test_a_real_file_of_a_6_18_kernel():
    machine = open_machine(IDLE)
    table = load_events(machine)
    assert len(table) == 3271 and machine.notes == [] and table.cpus == (0, 1) and table.lost == {}
    assert (table.time_ns[0], table.cpu[0], table.kind[0]) == (6842240141000, 1, vocab.SOFTIRQ_RAISE)
    with lzma.open(IDLE) as lines:
        counted = sum(line.startswith(b" ") for line in lines)
    assert counted == len(table) and not (table.kind == vocab.OTHER).any()


@pytest.mark.parametrize("case", ["slow", "irqbalance", "threadirqs", "nobody-cared"])
@pytest.mark.parametrize("options", [("-t",), ("-t", "-R"), ("-t", "-l"), ("-t", "-l", "-R"), ("-t", "-N")], ids=" ".join)
def test_what_trace_cmd_prints_says_what_its_file_says(case, options):
    twin.need_trace_cmd()
    path = os.path.join(DATA, f"{case}.trace.dat")
    table, text = load_events(open_machine(path)), read("\n".join(twin.report(path, *options[1:])))
    for name in ("time_ns", "cpu", "kind", "pid"):
        assert (getattr(table, name) == getattr(text, name)).all(), name
    if "-l" in options:  # all it prints of the flags: raw ones, or letters that do not know these two
        known = 0xFF if "-R" in options else 0xFF ^ vocab.FLAG_PREEMPT_RESCHED ^ vocab.FLAG_BH_OFF
        assert (table.flags & known == text.flags).all()
    assert [table.text(name) for name in table.name] == [text.text(name) for name in text.name]
    counted = table.kind != vocab.IRQ_HANDLER_EXIT  # its ret: text says only "handled"
    assert (table.a == text.a).all() and (table.c == text.c).all()
    functions = (table.kind >= vocab.WORKQUEUE_QUEUE_WORK) & (table.kind <= vocab.WORKQUEUE_EXECUTE_END)
    assert [table.function(int(b)) for b in table.b[functions]] == [text.function(int(b)) for b in text.b[functions]]
    plugin = (table.kind == vocab.SCHED_SWITCH) & (options not in (("-t", "-N"), ("-t", "-R"), ("-t", "-l", "-R")))
    rest = counted & ~functions
    assert (table.b[rest] & ~(plugin[rest] * 0x100) == text.b[rest]).all()  # the plugin's states have no "+"


LINES = {
    "    kworker/u8:2-ev-a b-123   [017] dNH21 12.000345678: irq_handler_entry: irq=-3 name=eth0, usb 1-2": (
        12000345678, 17, vocab.IRQ_HANDLER_ENTRY, 123, 0x3D, 0x12, -3, 0, 0, "eth0, usb 1-2"),
    "<...>-9 (-------) [001] ..... 1.000001: irq_handler_exit: irq=3 ret=unhandled": (
        1000001000, 1, vocab.IRQ_HANDLER_EXIT, 9, 0, 0, 3, 0, 0, None),
    "bash-9 ( 1234) [001] D.z.. 1.000001: softirq_exit: vec=7 [action=SCHED]": (
        1000001000, 1, vocab.SOFTIRQ_EXIT, 9, 0xC1, 0, 7, 0, 0, None),
    "<idle>-0 [000] d.s1 1.000001: sched_wakeup: comm=my comm pid=5 prio=-1 target_cpu=003": (
        1000001000, 0, vocab.SCHED_WAKEUP, 0, 0x11, 1, 5, 3, -1, "my comm"),
    "<idle>-0 [000] 1.000001: sched_waking: comm=x pid=5 prio=120 success=1 target_cpu=003": (
        1000001000, 0, vocab.SCHED_WAKING, 0, 0, 0, 5, 3, 120, "x"),
    "<idle>-0 [000] bp.1. 1.000001: sched_wakeup: x:5 [120] CPU:002": (
        1000001000, 0, vocab.SCHED_WAKEUP, 0, 0xA0, 1, 5, 2, 120, "x"),
    "<idle>-0 [000] d..2. 1.000001: sched_switch: prev_comm=a pid= prev_pid=1 prev_prio=120 prev_state=D|K+ ==> "
    "next_comm=b c next_pid=2 next_prio=98": (1000001000, 0, vocab.SCHED_SWITCH, 0, 0x01, 2, 2, 0x102, 98, "b c"),
    "<idle>-0 [000] d..2. 1.000001: sched_switch: a b:1 [120] W ==> c:d:2 [98]": (
        1000001000, 0, vocab.SCHED_SWITCH, 0, 0x01, 2, 2, 0x80, 98, "c:d"),
    "<idle>-0 [000] ..s1. 1.000001: napi_poll: napi poll on napi struct 000000006c0186d9 for device (no_device) work 2 budget 64": (
        1000001000, 0, vocab.NAPI_POLL, 0, 0x10, 1, 0x6C0186D9, 2, 64, "(no_device)"),
    "<idle>-0 [000] ..s1. 1.000001: napi_poll: napi poll on napi struct 000000006c0186d9 for device eth0": (
        1000001000, 0, vocab.NAPI_POLL, 0, 0x10, 1, 0x6C0186D9, 0, 0, "eth0"),
    "<idle>-0 [000] ..s1. 1.000001: tasklet_entry: tasklet=ffffffff81000000 function=0xffffffff81000010": (
        1000001000, 0, vocab.TASKLET_ENTRY, 0, 0x10, 1, 0xFFFFFFFF81000000 - (1 << 64), 0xFFFFFFFF81000010 - (1 << 64), 0, None),
    "<idle>-0 [000] d.h1. 1.000001: call_function_single_exit: vector=251": (
        1000001000, 0, vocab.VECTOR_EXIT, 0, 0x09, 1, 251, 0, 0, "call_function_single"),
    "<idle>-0 [000] d.h1. 1.000001: sys_exit: NR 3 = 0": (1000001000, 0, vocab.OTHER, 0, 0x09, 1, -1, 0, 0, "sys_exit"),
    "<idle>-0 [000] d.h1. 1.000001: softirq_raise: garbled": (1000001000, 0, vocab.OTHER, 0, 0x09, 1, -1, 0, 0, "softirq_raise"),
    "<idle>-0 [000] d.h1. 1.000001: hrtimer_cancel:": (1000001000, 0, vocab.OTHER, 0, 0x09, 1, -1, 0, 0, "hrtimer_cancel"),
}  # fmt: skip


@pytest.mark.parametrize("line", LINES)
def test_each_shape_of_line(line):
    table = read(line)
    values = [getattr(table, name)[0].item() for name in ("time_ns", "cpu", "kind", "pid", "flags", "preempt", "a", "b", "c")]
    assert (*values, table.text(table.name[0])) == LINES[line]


def test_functions_keep_their_names():
    table = read("a-1 [0] 1.000000: workqueue_execute_start: work struct 00000000abcdef01: function bad0_work\n"
                 "a-1 [0] 1.000001: workqueue_execute_end: work struct 00000000abcdef01: function bad0_work")  # fmt: skip
    assert table.b[0] == table.b[1] and table.function(int(table.b[0])) == "bad0_work" and table.a[0] == 0xABCDEF01


def test_the_legend_names_the_columns_of_flags():
    """PREEMPT_RT with its patch set had seven columns."""
    legend = "irqs-off need-resched need-resched-lazy hardirq/softirq preempt-depth preempt-lazy-depth migrate-disable"
    text = "# tracer: nop\n" + "".join(f"#   | _-----=> {word}\n" for word in legend.split())
    table = read(text + "a-1 [000] dnLh132 1.000000: softirq_raise: vec=1")
    assert table.flags[0] == 0x01 | 0x04 | 0x02 | 0x08 and table.preempt[0] == 0x21


def test_lost_events_and_odd_lines():
    notes = []
    table = read(
        "# entries-in-buffer/entries-written: 4/9   #P:4\n"
        "a-1 [000] 1.000000: softirq_raise: vec=1\nCPU:1 [LOST 12 EVENTS]\nb-1 [001] 1.000001: softirq_raise: vec=1\n"
        "CPU:1 [LOST 3 EVENTS]\nCPU:2 [LOST EVENTS]\nwhat is this\n => some_function\n"
        "a-1 [000] 1.000002: softirq_raise: vec=1\nb-1 [001] 1.000003: softirq_raise: vec=1\nCPU:3 [7 EVENTS DROPPED]\n",
        notes,
    )
    assert table.lost == {1: 15, 2: None, 3: 7} and table.lost_events is None and table.cpus == (0, 1, 2, 3)
    assert ((table.flags & vocab.FLAG_LOST_BEFORE) != 0).tolist() == [False, True, False, True]
    assert notes == [
        "made.txt:7: 1 lines are no events and were skipped",
        "made.txt: 5 events were overwritten before the first that is kept",
    ]


def test_rows_are_sorted_and_stay_in_order_within_a_cpu():
    lines = [(1, 5, 1), (0, 5, 2), (0, 5, 3), (1, 4, 4)]
    table = read("\n".join(f"a-1 [00{cpu}] 0.00000{time}: softirq_raise: vec={vec}" for cpu, time, vec in lines))
    assert table.a.tolist() == [4, 2, 3, 1]


def test_text_without_events():
    assert len(read("# tracer: nop\n#\n")) == 0
    with pytest.raises(FormatError, match=r"made\.txt:2: no event in the text"):
        read("\nhello\n")


HOSTILE = [
    " " * 5000, "-1 " * 3000, "a-1" + " " * 9000 + "[", "a-1 [0] " + "." * 9000, "=>", "CPU:9999999999999 [LOST 1 EVENTS]",
    "a-1 [0] 1.000000: sched_switch: prev_comm=" + " prev_pid=1 prev_prio=1" * 300,
    "a-1 [0] 1.000000: softirq_raise: vec=" + "9" * 30,
    "a-99999999999 [0] 1.000000: x_exit: vector=1", f"a-1 [0] {'9' * 5000}.000000: x: y", "a-1 [٣] 1.000000: x: y",
]  # fmt: skip


@given(st.lists(st.one_of(st.text(max_size=60), st.sampled_from([*LINES, *HOSTILE]))), st.integers(0, 80))
@settings(max_examples=300, deadline=None)
def test_any_text_is_survived(lines, cut):
    with contextlib.suppress(FormatError):
        table = read("\n".join(line[: len(line) - cut] if cut % 3 else line for line in lines))
        assert len(table) <= len(lines)


def test_a_long_line_is_cut():
    table = read(f"a-1 [0] 1.000000: softirq_raise: vec=1 {'x' * 3 * LINE_LENGTH_MAX}")
    assert table.a.tolist() == [1]


@given(st.sampled_from(["sched_switch", "napi_poll", "workqueue_queue_work", "irq_handler_exit", "x_entry"]), st.text(max_size=100))
def test_any_arguments_are_survived(event, text):
    found = Arguments(NamedFunctions()).read(event, text)
    assert found is None or len(found) == 5
