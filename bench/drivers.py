"""A driver in Python (card.py) on the model: interrupts a second, and the same driver on SimPy (simcard.py).

Times are CPU time of one core, the least of several runs in turn. Before that both are given the same random times, at which
interrupts come into handlers and tasklets, and must count the same.
"""

import importlib.metadata
import importlib.util
import os
import random
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROUNDS = 20
RATE, SECONDS = 200_000, 0.1
SIMPY_SECONDS = 0.02
TIMES, MEAN_GAP_NS = 5_000, 1_500  # an interrupt and its tasklet take 1,100 ns


def measure():
    """Rows (figure, measured, limit, sign, remark) for run.py."""
    simpy = worker() if importlib.util.find_spec("simpy") else None
    rows = [equality_row(simpy)] if simpy else []
    ours_s, theirs_s, counted = float("inf"), float("inf"), (0, 0)
    for turn in range(ROUNDS + 1):  # the first compiles
        cpu_s, *counted = model_run(scenario(os.path.join(HERE, "card.py")), SECONDS)
        ours_s = min(ours_s, cpu_s / counted[0]) if turn else ours_s
        if simpy:
            cpu_s, interrupts, _ = simpy_run(simpy, f"rate {RATE} {round(SIMPY_SECONDS * 1e9)}")
            theirs_s = min(theirs_s, cpu_s / interrupts)
    told = f"{ours_s * 1e9:.0f} ns an interrupt with its tasklet; {counted[0]:,} interrupts, {counted[1]:,} tasklets a run"
    rows.append(("driver in Python: millions of interrupts a second, a tasklet each", 1 / ours_s / 1e6, 2, ">=", told))
    if simpy is None:
        print("      no simpy here to compare with; make bench installs it", flush=True)
        return rows
    simpy.communicate()
    figure = f"driver in Python: interrupts a second, times simpy {importlib.metadata.version('simpy')}"
    return [*rows, (figure, theirs_s / ours_s, 20, ">=", f"there {theirs_s * 1e6:.1f} µs an interrupt with its tasklet")]


def equality_row(simpy):
    """Whether both count the same where interrupts come at any moment."""
    chance, now_ns, times = random.Random(1), 0, []
    for _ in range(TIMES):
        now_ns += 1 + int(chance.expovariate(1 / MEAN_GAP_NS))
        times.append(now_ns)
    until_ns = now_ns + 1_000_000
    _, *theirs = simpy_run(simpy, " ".join(map(str, ("times", until_ns, *times))))
    _, *ours = model_run(timed_scenario(times), until_ns / 1e9)
    told = f"{ours[0]:,} interrupts, {ours[1]:,} tasklets of {TIMES:,} random times"
    differ = sum(a != b for a, b in zip(ours, theirs, strict=True))
    return "driver in Python: counts that differ from simpy's", differ, 0, "<=", told


def scenario(path):
    from tophalf.model.simulate import load_scenario

    return load_scenario(path)


def timed_scenario(times):
    """The driver's machine, with a list of arrivals."""
    listed = ", ".join(f'"{at_ns}ns"' for at_ns in times)
    text = f'[machine]\nseconds = "1s"\n[[driver]]\nname = "card"\nfile = "{HERE}/card.py"\nirq = 24\nflow = "level"\n'
    with tempfile.NamedTemporaryFile("w", suffix=".toml", encoding="utf-8") as file:
        file.write(f'{text}arrivals = "times"\ntimes = [{listed}]\n')
        file.flush()
        return scenario(file.name)


def model_run(loaded, seconds):
    """(CPU seconds, interrupts, tasklets), as the driver counts them."""
    from tophalf.model.simulate import make_world, run_on

    world = make_world(loaded, 1)
    start = time.process_time()
    run_on(world, round(seconds * 1e9))
    cpu_s = time.process_time() - start
    words = world.builder.coded[0].words
    return cpu_s, *(int(world.memory[words[name]]) for name in ("interrupts", "tasklets"))


def worker():
    command = [sys.executable, os.path.join(HERE, "simcard.py")]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def simpy_run(process, line):
    """(CPU seconds, interrupts, tasklets) of a run there."""
    process.stdin.write(line + "\n")
    process.stdin.flush()
    cpu_s, *counted = process.stdout.readline().split()
    return float(cpu_s), *map(int, counted)
