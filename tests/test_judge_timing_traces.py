"""Timing of real traces against a twin: the text of `trace-cmd report -t`, pairs kept in a dictionary, Decimal seconds."""

import collections
import glob
import os
import re
import shutil
import subprocess
from decimal import Decimal

import pytest

from tophalf.host.door import open_machine
from tophalf.host.trace.traces import load_events
from tophalf.judge.times.timing import time_events

pytestmark = pytest.mark.kernels

HOSTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "hosts")
LAB = os.path.join(os.path.dirname(HOSTS), "traces")
TRACES = sorted(glob.glob(os.path.join(HOSTS, "*.trace.dat")) + glob.glob(os.path.join(LAB, "*.dat")))
LINE = re.compile(r".*-\d+ +\[(\d+)\] +(\d+\.\d{9}): (\w+): +(.*)")
LOST = re.compile(r"CPU:(\d+) \[.*EVENTS DROPPED\]")
HALVES = {"irq_handler_entry": "irq", "irq_handler_exit": "irq", "softirq_entry": "vec", "softirq_exit": "vec"}


def report(path):
    """(cpu, seconds as Decimal, event, arguments) of each line of trace-cmd's report."""
    if not shutil.which("trace-cmd"):
        pytest.skip("trace-cmd is not installed: nothing to hold the timing against")
    text = subprocess.run(["trace-cmd", "report", "-t", path], capture_output=True, text=True, check=True).stdout
    return [line for line in map(_line, text.splitlines()[1:]) if line]


def _line(text):
    lost = LOST.match(text)
    if lost:
        return int(lost[1]), None, "lost", ""
    line = LINE.match(text)
    return (int(line[1]), Decimal(line[2]), line[3], line[4]) if line else None


def runs_by_key(lines):
    """{("irq" or "vec", number): [nanoseconds]}: each exit ends the entry of its CPU and number that is still open."""
    opened, runs = {}, collections.defaultdict(list)
    for cpu, seconds, event, arguments in lines:
        if event == "lost":  # what was open there may have ended, and begun again, unseen
            opened = {key: value for key, value in opened.items() if key[0] != cpu}
        if event not in HALVES:
            continue
        word = HALVES[event]
        key = (word, int(re.search(rf"\b{word}=(\d+)", arguments)[1]))
        if event.endswith("entry"):
            opened[cpu, key] = seconds
        elif (cpu, key) in opened:
            runs[key].append(int((seconds - opened.pop((cpu, key))) * 10**9))
    return runs


@pytest.fixture(scope="module", params=TRACES, ids=os.path.basename)
def both(request):
    """(Timing, lines of the report) of one trace."""
    return time_events(load_events(open_machine(request.param))), report(request.param)


def test_as_many_events_as_trace_cmd_reports(both):
    timing, lines = both
    assert timing.events == sum(event != "lost" for _, _, event, _ in lines)


def test_handler_and_softirq_runs_equal_the_twin(both):
    timing, lines = both
    twin = {key: (len(times), sum(times), max(times)) for key, times in runs_by_key(lines).items()}
    ours = {("irq", line.irq): _figures(line.run) for line in timing.hardirq}
    ours.update({("vec", vector.vec): _figures(vector.run) for vector in timing.softirq})
    assert ours == twin


def _figures(times):
    return times.count, times.total, times.max


def test_parts_of_a_vector_add_up(both):
    for vector in both[0].softirq:
        assert vector.count == vector.inline.count + vector.ksoftirqd.count
        assert vector.run.total == vector.inline.run.total + vector.ksoftirqd.run.total
        assert vector.run.max == max(part.run.max or 0 for part in (vector.inline, vector.ksoftirqd))


def test_napi_polls_equal_the_twin(both):
    timing, lines = both
    twin = collections.defaultdict(list)
    for _, _, event, arguments in lines:
        if event == "napi_poll":
            found = re.search(r"struct (0x\w+) for device (\S+) work (\d+) budget (\d+)", arguments)
            twin[int(found[1], 16), found[2]].append((int(found[3]), int(found[4])))
    expected = {
        key: (len(polls), sum(work for work, _ in polls), sum(work == budget for work, budget in polls))
        for key, polls in twin.items()
    }
    assert {(poll.napi, poll.dev_name): (poll.polls, poll.packets, poll.full_polls) for poll in timing.napi} == expected
    assert all(sum(poll.polls_by_packets.values()) == poll.polls for poll in timing.napi)


def test_time_is_inside_its_bounds(both):
    spans = both[0].spans
    assert (spans.self_ns >= 0).all()
    assert (spans.self_ns <= spans.wall_ns).all()
    assert (spans.wait_ns >= -1).all()


def test_work_starts_equal_the_twin(both):
    timing, lines = both
    names = [re.search(r"function[ =](\S+)", arguments)[1] for _, _, event, arguments in lines
             if event == "workqueue_execute_start"]  # fmt: skip
    counted = sum(work.count for work in timing.work)
    assert counted + timing.unfinished.get("workqueue_execute_start", 0) == len(names)
    ours = {work.function for work in timing.work}
    if timing.table.source.startswith(LAB):  # their symbols were cut: trace-cmd then guesses the nearest, we say the address
        ours = {function for function in ours if not function.startswith("0x")}
    assert ours <= set(names)
