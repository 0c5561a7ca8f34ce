"""`tophalf trace` on recorded traces: JSON, tables, rows, slow handlers."""

import argparse
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from live_tracing import WHY_NOT, needs_tracefs
from timelines import Timeline
from tophalf import vocab
from tophalf.cli import trace
from tophalf.cli.main import main
from tophalf.cli.trace_live import Pairs, joined
from tophalf.host.record.recorder import record

HARD = vocab.FLAG_HARDIRQ


@pytest.fixture
def host(data):
    return lambda name: os.path.join(data, "hosts", name)


def output(capsys, *arguments, status=0):
    assert main(["trace", *arguments]) == status
    printed = capsys.readouterr()
    return printed.err if status == 2 else printed.out


def test_json_holds_what_the_text_shows(capsys, host):
    document = json.loads(output(capsys, host("slow.trace.dat"), "--json"))
    assert (document["events"], document["lost_events"], document["clock"]) == (8214, 0, "local")
    slow = next(line for line in document["hardirq"] if line["irq"] == 32)
    assert slow["actions"] == ["labirq"]
    assert set(slow["run_ns"]) == {"count", "mean", "p50", "p99", "max", "total"}
    assert slow["run_ns"]["p50"] == 863332
    assert slow["by_action"][0]["run_ns"] == slow["run_ns"]
    assert abs(slow["cpu_share"] - slow["self_ns"]["total"] / document["span_ns"]) < 1e-6
    timer = next(vector for vector in document["softirq"] if vector["vec"] == vocab.TIMER)
    assert timer["count"] == timer["inline"]["count"] + timer["ksoftirqd"]["count"]
    assert {"wait_ns", "run_ns", "self_ns"} <= set(timer)
    work = document["work"][0]
    assert {"function", "workqueue", "count", "wait_ns", "run_ns", "self_ns"} <= set(work)


def test_a_work_item_full_of_softirqs_is_no_hog(capsys, host):
    document = json.loads(output(capsys, host("netrx-flood.trace.dat"), "--json"))
    work = next(work for work in document["work"] if work["function"] == "srcu_invoke_callbacks")
    assert work["run_ns"]["max"] > 20_000_000
    assert work["self_ns"]["max"] < 100_000


def test_text_says_what_is_inclusive_and_what_is_absent(capsys, host):
    text = output(capsys, host("netrx-flood.trace.dat"))
    assert "inclusive" in text
    assert "exclusive" in text
    assert "no events of: interrupt handlers (irq_handler_entry), tasklets" in text
    assert "ksoftirqd" in text
    assert "100 %" in text  # of the polls used the whole weight


def test_threshold_lists_slow_calls_in_order_of_time(capsys, host):
    lines = output(capsys, host("slow.trace.dat"), "--threshold", "2ms").splitlines()
    calls = [line for line in lines if " IRQ " in line]
    assert len(calls) == 9
    assert calls == sorted(calls)
    assert "24.143309551  CPU2    IRQ 32    labirq                2.82 ms  interrupted trace-cmd-265" in calls[0]
    assert lines[-1].startswith("9 of 498 handler calls took 2 ms and more")
    only = output(capsys, host("slow.trace.dat"), "--threshold", "2ms", "--irq", "32", "--json")
    assert [call["irq"] for call in json.loads(only)["slow"]] == [32, 32, 32]


def test_threshold_says_where_there_are_no_handlers(capsys, host):
    assert "no irq_handler events in this trace" in output(capsys, host("nvme.trace.dat"), "--threshold", "1us")


def test_histogram_counts_every_call(capsys, host):
    text = output(capsys, host("slow.trace.dat"), "--histogram", "--irq", "32")
    rows = [line for line in text.splitlines() if " .. " in line]
    assert sum(int(line.split()[5]) for line in rows) == 152
    assert "IRQ 32 labirq: run (inclusive)" in text
    assert "wait from raise to entry" in output(capsys, host("nvme.trace.dat"), "--histogram")


def test_events_are_listed_by_filters(capsys, host):
    path = host("slow.trace.dat")
    assert len(output(capsys, path, "--events").splitlines()) == 8214
    handlers = output(capsys, path, "--events", "--kind", "irq_handler", "--cpu", "1-2", "--irq", "32").splitlines()
    assert handlers
    assert all("irq=32" in line and ("CPU1 " in line or "CPU2 " in line) for line in handlers)
    document = json.loads(output(capsys, path, "--events", "--kind", "sched_switch", "--json"))
    rows = document["rows"]
    assert document["machine"]["label"] == "slow.trace.dat"
    assert len(rows) == 2465
    assert {"time_ns", "cpu", "pid", "event", "next_pid", "next_comm"} <= set(rows[0])


def test_a_kind_that_no_event_has_is_refused(capsys, host):
    assert "no event is called 'interrupts'" in output(capsys, host("slow.trace.dat"), "--events", "--kind", "interrupts", status=2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--cpu", "9"), "--cpu is for --events, --histogram and --threshold"),
        (("--irq", "99"), "--irq is for --events, --histogram and --threshold"),
        (("--cpu", "0-x"), "--cpu: '0-x' is not a CPU list"),
        (("--cpu", "", "--events"), "--cpu: names no CPU"),
        (("--events", "--threshold", "0ns"), "--events and --threshold show different things"),
        (("--histogram", "--threshold", "1us"), "--histogram and --threshold show different things"),
        (("--kind", "napi_poll", "--histogram"), "--kind is for --events"),
        (("--events", "--kind", ","), "no event is called ''"),
        (("--all", "--histogram"), "--all is for the tables, not for --histogram"),
        (("--seconds", "3"), "--seconds is how long to watch a live machine"),
    ],
)
def test_an_option_that_would_change_nothing_is_refused(capsys, host, words, message):
    said = output(capsys, host("slow.trace.dat"), *words, status=2)
    assert message in said and said.count("\n") == 1


def test_what_is_not_there_is_said(capsys, host):
    path = host("slow.trace.dat")
    assert output(capsys, path, "--events", "--kind", "napi_poll") == "no event of kind napi_poll\n"
    assert output(capsys, path, "--events", "--cpu", "9", "--irq", "3") == "no event of IRQ 3 on CPU 9\n"
    assert output(capsys, path, "--histogram", "--cpu", "8-9").splitlines()[-1] == "nothing was timed on CPU 8-9"
    none = output(capsys, path, "--threshold", "1ms", "--irq", "99").splitlines()[-1]
    assert none == "0 handler calls of IRQ 99 took 1 ms and more, entry to exit; 498 handler calls in all"
    assert json.loads(output(capsys, path, "--events", "--cpu", "9", "--json"))["rows"] == []


def test_histograms_as_json_are_those_that_are_drawn(capsys, host):
    found = json.loads(output(capsys, host("slow.trace.dat"), "--histogram", "--json"))["histograms"]
    text = output(capsys, host("slow.trace.dat"), "--histogram")
    assert len(found) == text.count("\n\n") and {each["of"] for each in found} == {"irq", "softirq", "work"}
    (line,) = (each for each in found if each.get("irq") == 32)
    assert (line["name"], line["time"]) == ("labirq", "run_ns") and sum(bucket["count"] for bucket in line["buckets"]) == 152
    for each in found:
        assert all(bucket["below_ns"] == max(1, 2 * bucket["from_ns"]) for bucket in each["buckets"])
        edges = [bucket["from_ns"] for bucket in each["buckets"]]
        assert edges == sorted(edges)


@needs_tracefs
@pytest.mark.parametrize("command", ["trace", "laws", "export"])
def test_a_recording_cut_before_its_trace_says_where(capsys, tmp_path, command):
    whole, cut = tmp_path / "whole.tar", tmp_path / "cut.tar"
    record(str(whole), 0.2, memory_mib=8)
    data = whole.read_bytes()
    cut.write_bytes(data[: data.index(b"whole/trace/") + 700])
    file = [str(tmp_path / "out.pftrace")] if command == "export" else []
    assert main([command, str(cut), *file]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"tophalf {command}: cut.tar: no tracing in this recording (archive is damaged after ")
    assert "is cut short" in said and said.count("\n") == 1


WITHOUT_NUMPY = """
import os, sys
sys.modules["numpy"] = None
from tophalf.cli.main import main
if sys.argv[1] == "nobody":  # the interpreter's own folder may be closed to nobody: import while still root
    import importlib, re
    import tophalf.host.record.tracefs, tophalf.host.door, tophalf.host.sample, tophalf.judge.metrics
    from tophalf.cli import laws, load, trace
    trace.parser().parse_args(["--threshold", "1us"])
    os.setuid(65534)
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize("words", [["trace", "--threshold", "100us", "--seconds", "1"], ["trace"], ["laws", "--seconds", "9"]])
@pytest.mark.parametrize("user", ["nobody", "root"])
def test_what_a_live_trace_lacks_is_said_before_it_starts(words, user):
    if os.geteuid() != 0 or WHY_NOT:
        pytest.skip(f"needs root and tracefs: {WHY_NOT}")
    done = subprocess.run([sys.executable, "-c", WITHOUT_NUMPY, user, *words], capture_output=True, text=True)
    assert done.returncode == 2 and "Traceback" not in done.stderr and done.stderr.count("\n") == 1
    assert ("needs root" if user == "nobody" else "numpy") in done.stderr


def test_a_machine_without_a_trace_says_so(capsys, host):
    assert "no tracing in this recording" in output(capsys, host("slow.tar.xz"), status=2)
    assert "8,214 events" in output(capsys, host("slow.tar.xz"), "--trace", host("slow.trace.dat"))


@pytest.mark.parametrize(("text", "ns"), [("100us", 100_000), ("1.5 ms", 1_500_000), ("2s", 2 * 10**9), ("7µs", 7000)])
def test_durations_are_read_with_their_unit(text, ns):
    assert trace.duration_ns(text) == ns


@pytest.mark.parametrize("text", ["100", "us", "-1ms", "1 hour", ""])
def test_a_duration_without_a_unit_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError):
        trace.duration_ns(text)


def test_live_calls_are_paired_across_polls():
    first, second = Timeline(), Timeline()
    first.add(50, 0, vocab.SOFTIRQ_ENTRY, vocab.NET_RX, flags=vocab.FLAG_SOFTIRQ)
    first.handler(60, 65, 1, 7, "quick")
    first.add(100, 0, vocab.IRQ_HANDLER_ENTRY, 9, name="disk", flags=HARD)
    second.add(1100, 0, vocab.IRQ_HANDLER_EXIT, 9, flags=HARD)
    second.handler(1200, 1300, 1, 7, "other name")
    pairs = Pairs(threshold_ns=1000)
    assert pairs.add(first.table()) == []
    (call,) = pairs.add(second.table())
    assert (call.time_ns, call.irq, call.action, call.run_ns) == (100, 9, "disk", 1000)
    assert call.interrupted == "NET_RX in idle"
    assert pairs.calls == 3
    assert pairs.add(Timeline().table()) == []


@needs_tracefs
def test_slow_calls_are_listed_live(capsys):
    assert main(["trace", "--threshold", "1ns", "--seconds", "0.4", "--json"]) == 0
    printed = capsys.readouterr()
    calls = [json.loads(line) for line in printed.out.splitlines()]
    assert f"{len(calls)} of {len(calls)} handler calls of 1 ns and more; 0 events lost" in printed.err
    assert all(call["run_ns"] > 0 and call["action"] for call in calls)


@needs_tracefs
def test_this_host_is_traced_and_timed(capsys):
    document = json.loads(output(capsys, "--seconds", "0.5", "--json"))
    assert document["clock"] == "mono"
    assert sum(vector["count"] for vector in document["softirq"]) > 0
    assert document["events"] == sum(document["recorded"].values())


def test_an_entry_without_an_exit_is_not_carried_for_ever():
    lost, later = Timeline(), Timeline()
    lost.add(10, 0, vocab.IRQ_HANDLER_ENTRY, 9, name="disk", flags=HARD)
    lost.add(20, 0, vocab.IRQ_HANDLER_ENTRY, 9, name="disk", flags=HARD)
    later.add(30, 0, vocab.IRQ_HANDLER_EXIT, 9, flags=HARD)
    pairs = Pairs(threshold_ns=0)
    pairs.add(lost.table())
    assert [call.time_ns for call in pairs.add(later.table())] == [20]


def test_joined_tables_keep_their_strings():
    one, other = Timeline(), Timeline()
    one.handler(1, 3, 0, 5, "first")
    other.handler(2, 4, 1, 6, "second")
    table = joined(one.table(), other.table())
    assert [table.text(name) for name in table.name.tolist()] == ["first", "second", None, None]
    assert (np.diff(table.time_ns) >= 0).all()
