"""What recording costs and whether it keeps up: a UDP flood over loopback at set rates, recorded and not recorded in turn.

The cost is CPU time: what the recorder had, and what the flood had beyond an equal flood that nobody traced. /proc/stat could
not tell: this kernel may charge whole ticks to whoever runs at one (CONFIG_TICK_CPU_ACCOUNTING).
"""

import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
EVENTS_A_DATAGRAM = 4  # softirq_raise, softirq_entry, napi_poll, softirq_exit
SECONDS = 5
ROUNDS = 5
TRIES = 5


def measure():
    """Rows (figure, measured, limit, sign, remark) for run.py; none where events cannot be recorded."""
    if os.geteuid() != 0:
        print("recording: not measured, tracing needs root")
        return []
    return [*slow_rows(), *fast_rows()]


def slow_rows():
    """50,000 events a second: cost in points of one core."""
    rounds = [(flooded(12_500), *recorded(12_500)) for _ in range(ROUNDS)]
    costs = sorted(points(*results) for results in rounds)
    floods = [(flood_points(traced) - flood_points(bare)) for bare, traced, _ in rounds]
    own = median([recorder_points(recording) for *_, recording in rounds])
    rate = median([recording["events"] / SECONDS for *_, recording in rounds])
    lost = sum(recording["lost"] for *_, recording in rounds)
    each = ", ".join(f"{cost:.1f}" for cost in costs)
    remark = f"recorder {own:.1f}, flood {median(floods):.1f}; {rate:,.0f} events/s; rounds {each}"
    return [
        ("recording 50,000 events/s: points of one core", median(costs), 5.0, "<=", remark),
        ("recording 50,000 events/s: events lost", lost, 0, "<=", f"in {ROUNDS} recordings of {SECONDS} s"),
    ]


def fast_rows():
    """500,000 events a second, from two processes: nothing lost. Where the machine had too little left for such a flood,
    it is tried again; what was lost counts in every try."""
    lost, events, tries, rate = 0, 0, 0, 0
    before = os.getpriority(os.PRIO_PROCESS, 0)
    os.setpriority(os.PRIO_PROCESS, 0, -10)  # flood and recorder alike, before whatever else runs here
    while rate < 500_000 and tries < TRIES:
        traced, recording = recorded(64_000, 64_000)
        lost, events, tries = lost + recording["lost"], events + recording["events"], tries + 1
        rate = recording["events"] / SECONDS
    os.setpriority(os.PRIO_PROCESS, 0, before)
    sent = sum(each["sent"] for each in traced) / SECONDS
    return [
        ("recording 500,000 events/s: events lost", lost, 0, "<=", f"of {events:,}, {tries} floods"),
        ("recording 500,000 events/s: events a second, in 1,000", rate / 1e3, 500, ">=",
         f"{sent:,.0f} datagrams/s; recorder {recorder_points(recording):.1f} points; {recording['size_bytes'] / 1e6:.0f} MB"),
    ]  # fmt: skip


def flooded(*rates):
    """A flood without a recorder. Returns what each process told."""
    return finish(begin(rates))


def recorded(*rates):
    """The same with one. Returns (what each process told, the recorder's summary)."""
    floods = begin(rates)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tophalf", "record", os.path.join(folder, "flood.tar"), "--json",
                   "--seconds", str(SECONDS + 0.5)]  # fmt: skip
        recorder = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        recorder.stderr.readline()  # said just before the first event
        told = finish(floods)
        output, _ = recorder.communicate()
    return told, json.loads(output)


def begin(rates):
    command = [sys.executable, os.path.join(HERE, "udpflood.py")]
    return [
        subprocess.Popen([*command, str(rate), str(SECONDS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for rate in rates
    ]


def finish(floods):
    for flood in floods:
        flood.stdin.write("\n")
        flood.stdin.flush()
    numbers = [map(int, flood.communicate()[0].split()) for flood in floods]
    return [dict(zip(("sent", "elapsed_ns", "cpu_ns"), each, strict=True)) for each in numbers]


def points(bare, traced, recording):
    """Points of one core that recording took: the recorder's own, and those by which the flood grew."""
    return recorder_points(recording) + flood_points(traced) - flood_points(bare)


def flood_points(told):
    return sum(100 * each["cpu_ns"] / each["elapsed_ns"] for each in told)


def recorder_points(recording):
    return 100 * recording["cpu_ns"] / recording["elapsed_ns"]


def median(values):
    return sorted(values)[len(values) // 2]
