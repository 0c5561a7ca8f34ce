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
SOURCE = os.path.join(HERE, "..", "tests", "data", "hosts", "irqbalance.trace.dat")
ROUNDS = 7


def measure():
    """Rows (figure, measured ratio, limit, remark) for run.py."""
    if not shutil.which("trace-cmd"):
        print("      no trace-cmd here to compare with; apt-get install trace-cmd", flush=True)
        return []
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for compression in ("zstd", "none"):
            path, events = made(folder, 1_000_000, compression)
            ours, warm, theirs = median_times(path)
            name, remark = f"{events:,} events, {compression}", f"{warm * 1e3:.0f} ms warm, {ours:.2f} s, trace-cmd {theirs:.2f} s"
            rows.append((f"trace, {name}, warm: times faster than trace-cmd", theirs / warm, 20.0, ">=", remark))
            rows.append((f"trace, {name}, whole process: times faster than trace-cmd", theirs / ours, 2.0, ">=", remark))
        path, events = made(folder, 50_000, "zstd")
        ours, _, theirs = median_times(path)
        remark = f"{ours * 1e3:.0f} ms, trace-cmd {theirs * 1e3:.0f} ms"
        rows.append((f"trace, {events:,} events, whole process: times as fast as trace-cmd", theirs / ours, 1 / 3, ">=", remark))
    return rows


def made(folder, events, compression):
    """A trace.dat of about so many events. Returns (path, events in it)."""
    from tophalf.host.door import open_machine
    from tophalf.host.traces import load_events
    from tracefiles import repeated

    machine = open_machine(SOURCE)
    once = len(load_events(machine))
    path = os.path.join(folder, f"{events}-{compression}.dat")
    with open(path, "wb") as file:
        file.write(repeated(machine.trace, round(events / once), compression))
    return path, round(events / once) * once


def median_times(path):
    """Median seconds of (tophalf as a process, tophalf warm in this one, trace-cmd report), measured in turn.

    On a busy machine all three slow down alike; in turn, so that no one of them meets the busy moment alone.
    """
    process = [sys.executable, "-m", "tophalf", "trace", path, "--json"]
    run(process)  # compiles what is not in numba's cache yet
    warm(path)
    kept = [(timed(run, process), timed(warm, path), timed(run, ["trace-cmd", "report", path])) for _ in range(ROUNDS)]
    return [sorted(times)[ROUNDS // 2] for times in zip(*kept, strict=True)]


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
