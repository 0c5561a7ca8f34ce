"""The model against real time, against SimPy and cimba on one queue, and how its cost grows; compiling, once, and starting.

Times are CPU time of one core, the least of several runs in turn: other work on the machine only ever adds. Every run counts
each packet's latency and does not trace.
"""

import importlib.metadata
import importlib.util
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROUNDS, REAL_TIME_ROUNDS = 5, 60
REAL_TIME = (  # scenario, changes, simulated s, times real time at least
    ("10gbe-napi-keeps-up", (), 0.4, 10),
    ("10gbe-napi-keeps-up", ("nic.arrivals=poisson",), 0.2, 5),
    ("100gbe-16q", (), 0.02, 1),
)
MM1_CUSTOMERS = {"tophalf": 750_000, "simpy": 50_000, "cimba": 1_000_000}  # in one run of each
COMPILED_S_MAX, STARTED_S_MAX = 90, 2


def measure():
    """Rows (figure, measured, limit, sign, remark) for run.py."""
    return [*first_run_rows(), *real_time_rows(), *mm1_rows(), *growth_rows()]


def first_run_rows():
    """`tophalf run mm1 --seconds 0.01` where nothing is compiled yet, and again; wall time, as a user waits for it."""
    command = [sys.executable, "-m", "tophalf", "run", "mm1", "--seconds", "0.01", "--json"]
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "XDG_CACHE_HOME": folder}
        first, *later = [timed(command, environment) for _ in range(1 + ROUNDS)]
    wall_s, cpu_s = min(later)
    return [
        ("model, first run on a fresh machine: seconds", first[0], COMPILED_S_MAX, "<=", f"CPU {first[1]:.1f} s"),
        ("model, run mm1 --seconds 0.01, whole process: seconds", wall_s, STARTED_S_MAX, "<=", f"CPU {cpu_s:.2f} s"),
    ]


def timed(command, environment):
    """(wall seconds, CPU seconds) of a process."""
    before, start = os.times(), time.perf_counter()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    wall_s, after = time.perf_counter() - start, os.times()
    return wall_s, after.children_user + after.children_system - before.children_user - before.children_system


def real_time_rows():
    """The least time of many short runs in turn; the first, which may compile, does not count."""
    runs = {scenario: [] for scenario in REAL_TIME}
    for _ in range(REAL_TIME_ROUNDS):
        for name, sets, seconds, limit in REAL_TIME:
            runs[name, sets, seconds, limit].append(run_scenario(name, sets, seconds))
    rows = []
    for (name, sets, seconds, limit), measured in runs.items():
        (cpu_s, delivered), (middle_s, _) = min(measured[1:]), sorted(measured)[len(measured) // 2]
        figure = f"model, {' '.join((name, *sets))}: times real time"
        told = f"{cpu_s * 1e9 / delivered:.2f} ns a delivered packet, {delivered:,}; the median run {seconds / middle_s:.2f}"
        rows.append((figure, seconds / cpu_s, limit, ">=", told))
    return rows


def run_scenario(name, sets, seconds, seed=1):
    """(CPU seconds, packets delivered) of a run."""
    from tophalf.model.simulate import load_scenario, make_world, run_on
    from tophalf.model.summary import packets

    world = make_world(load_scenario(name, sets), seed)
    start = time.process_time()
    run_on(world, round(seconds * 1e9))
    return time.process_time() - start, packets(world)["delivered"]


def mm1_rows():
    """Logical events, an arrival and a departure a packet, a second of CPU time, in turn with the others."""
    names = [name for name in MM1_CUSTOMERS if importlib.util.find_spec(name)]
    workers = {name: worker(name) for name in names}
    rates = dict.fromkeys(names, 0.0)
    for turn in range(ROUNDS + 1):  # the first compiles
        for name in names:
            rate = logical_rate(workers[name])
            rates[name] = max(rates[name], rate if turn else 0)
    for process in workers.values():
        process.communicate()
    told = "millions: " + ", ".join(f"{name} {rate / 1e6:.2f}" for name, rate in rates.items())
    rows = []
    for name, limit in (("simpy", 50), ("cimba", 3)):
        if name not in names:
            print(f"      no {name} here to compare with; make bench installs it", flush=True)
            continue
        figure = f"model, mm1: logical events a second, times {name} {importlib.metadata.version(name)}"
        rows.append((figure, rates["tophalf"] / rates[name], limit, ">=", told))
    return rows


def worker(name):
    command = [sys.executable, os.path.join(HERE, "mm1.py"), name, str(MM1_CUSTOMERS[name])]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def logical_rate(process):
    """Let a worker run once."""
    process.stdin.write("\n")
    process.stdin.flush()
    cpu_s, packets = process.stdout.readline().split()
    return 2 * int(packets) / float(cpu_s)


def growth_rows():
    """Cost of a packet or an event as something grows eightfold at a time, in turn; with n log n it may grow by log2 n."""
    rows = []
    for what, sizes, run, limit in CURVES:
        costs = dict.fromkeys(sizes, float("inf"))
        for turn in range(ROUNDS + 1):
            for size in sizes:
                cpu_s, events = run(size)
                costs[size] = min(costs[size], cpu_s * 1e9 / events if turn else float("inf"))
        told = ", ".join(f"{size:,}: {cost_ns:.1f}" for size, cost_ns in costs.items())
        figure = f"model, {what}: cost of each with most, times that with least"
        rows.append((figure, costs[sizes[-1]] / costs[sizes[0]], limit, "<=", f"ns with {told}"))
    return rows


def by_time(milliseconds):
    return run_scenario("10gbe-napi-keeps-up", (), milliseconds / 1000)


def by_cpus(count):
    """Each with a queue of its own, 9.3 million packets a second."""
    sets = (f"machine.cpus={count}", f"nic.queues={count}", f"nic.rate={9_300_000 * count}")
    return run_scenario("100gbe-16q", sets, 0.128 / count)


def by_queues(count):
    """On one CPU, which serves what it can: of 100,000 packets a second each."""
    sets = (f"nic.queues={count}", "nic.rate=3M", "nic.packet_cost=50ns", "nic.handler_cost=20ns", "nic.poll_cost=50ns")
    return run_scenario("10gbe-napi-keeps-up", sets, 0.02)


def by_pending(count):
    """Devices that interrupt one CPU in turn: as many events wait in the queue, and as many interrupts come, however many."""
    from tophalf.model import fields as f
    from tophalf.model.build import Builder
    from tophalf.model.irq.builddevices import add_device, spend_program

    builder = Builder(1, cpus=-(-count // 128))
    handler = spend_program(builder, builder.cost(10, "handler"))
    for number in range(count):
        desc = builder.irq(24 + number, number // 128)
        add_device(builder, f"dev{number}", desc, arrivals=("constant", 1_000_000 // count))
        builder.action(desc, f"dev{number}", handler)
    world = builder.world()
    start = time.process_time()
    world.run(100_000_000)
    return time.process_time() - start, sum(int(world.memory[desc + f.D_COUNT]) for irq, desc in builder.irqs.items() if irq >= 24)


CURVES = (
    ("simulated ms", (20, 160, 1280), by_time, 1.3),
    ("CPUs", (1, 8, 64), by_cpus, 6),
    ("queues of one CPU", (1, 8, 64), by_queues, 6),
    ("pending events", (1, 8, 64, 512), by_pending, 9),
)
