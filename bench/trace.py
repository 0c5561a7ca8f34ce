"""`tophalf trace` against `trace-cmd report > /dev/null` on the same file: a million events, warm and as a whole process; 50,000.

The files are made of a recorded one, its pages repeated with later times, so that events are as a kernel writes them.
"""

import contextlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests"))
HOSTS = os.path.join(HERE, "..", "tests", "data", "hosts")
# What is repeated: `slow` has interrupts, softirqs, NAPI, work and task switches; `irqbalance` has hardly a switch, which
# trace-cmd prints faster, so no limit is set for it.
SOURCES = (("slow", "zstd", True), ("slow", "none", True), ("irqbalance", "zstd", False))
ROUNDS, IN_A_ROW = 5, 3


def measure():
    """Rows (figure, measured ratio, limit, remark) for run.py."""
    if not shutil.which("trace-cmd"):
        print("      no trace-cmd here to compare with; apt-get install trace-cmd", flush=True)
        return []
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for source, compression, limited in SOURCES:
            path, events = made(folder, source, 1_000_000, compression)
            ours, warm, theirs = least_times(path)
            name, remark = f"trace, {events:,} events of {source}, {compression}", told(ours, warm, theirs)
            rows.append((f"{name}, warm: times faster than trace-cmd", theirs / warm, 20.0 if limited else None, ">=", remark))
            rows.append((f"{name}, whole process: times faster", theirs / ours, 2.0 if limited else None, ">=", remark))
        path, events = made(folder, "slow", 50_000, "zstd")
        ours, warm, theirs = least_times(path)
        name = f"trace, {events:,} events, whole process: times as fast as trace-cmd"
        rows.append((name, theirs / ours, 1 / 3, ">=", told(ours, warm, theirs)))
    return rows


def told(ours, warm, theirs):
    return f"{warm * 1e3:.0f} ms warm, {ours * 1e3:.0f} ms as a process, trace-cmd {theirs * 1e3:.0f} ms"


def made(folder, source, events, compression):
    """A trace.dat of about so many events. Returns (path, events in it)."""
    from tophalf.host.door import open_machine
    from tophalf.host.trace.traces import load_events
    from tracefiles import repeated

    machine = open_machine(os.path.join(HOSTS, f"{source}.trace.dat"))
    once = len(load_events(machine))
    path = os.path.join(folder, f"{source}-{events}-{compression}.dat")
    with open(path, "wb") as file:
        file.write(repeated(machine.trace, round(events / once), compression))
    return path, round(events / once) * once


def least_times(path):
    """Least seconds of (tophalf as a process, tophalf warm in this one, trace-cmd report), measured in turn.

    The least, as other work on the machine only ever adds; in turn, so that no one of them meets a busy moment alone;
    each several times in a row, as the first one after another program finds the processor's caches full of that.
    """
    process = [sys.executable, "-m", "tophalf", "trace", path, "--json"]
    run(process)  # compiles what is not in numba's cache yet
    warm(path)
    report = ["trace-cmd", "report", path]
    kept = [(in_a_row(run, process), in_a_row(warm, path), in_a_row(run, report)) for _ in range(ROUNDS)]
    return [min(times) for times in zip(*kept, strict=True)]


def in_a_row(function, argument):
    return min(timed(function, argument) for _ in range(IN_A_ROW))


def timed(function, argument):
    start = time.perf_counter()
    function(argument)
    return time.perf_counter() - start


def run(command):
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


def warm(path):
    """`tophalf trace` in this process, where everything is imported and compiled."""
    from tophalf.cli.main import main

    with contextlib.redirect_stdout(io.StringIO()):
        main(["trace", path, "--json"])
