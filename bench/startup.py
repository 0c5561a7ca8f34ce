"""`tophalf irqs --json` as a whole process, against the bare cost of Python with the two modules it cannot do without."""

import compileall
import os
import subprocess
import sys
import time

import tophalf

ROUNDS = 21


def measure():
    """Rows (figure, measured ratio, limit, remark) for run.py."""
    # As an installed package: bytecode written, also where PYTHONDONTWRITEBYTECODE keeps Python from doing so itself.
    compileall.compile_dir(os.path.dirname(tophalf.__file__), quiet=2)
    ours = [sys.executable, "-m", "tophalf", "irqs", "--json"]
    bare = [sys.executable, "-c", "import json, argparse"]
    first, second = interleaved(ours, bare)
    return [("irqs --json: times a bare Python", first / second, 3.0, "<=", f"{first * 1e3:.0f} ms against {second * 1e3:.0f}")]


def interleaved(*commands):
    """Median seconds of each command, run in turn."""
    times = [[] for _ in commands]
    for _ in range(ROUNDS):
        for kept, command in zip(times, commands, strict=True):
            start = time.perf_counter()
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
            kept.append(time.perf_counter() - start)
    return [sorted(kept)[ROUNDS // 2] for kept in times]
