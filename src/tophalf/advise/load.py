"""The same load under each mechanism, as scenarios: TOML made in code, one CPU with a program that never sleeps beside it.

A device's interrupts are messages (edge) and come at the times that are given, whatever the mechanism; its handler costs as much as
a network device's. A NIC stands for it where the work is packets, a disk and its job (on two CPUs) where it is completions. Leaves
out: sleeping (work is time of a CPU), several CPUs, and drivers that take more than one event a run: what comes while a run still
waits is served by that run, and costs one run's work. NICs and disks take all they find, each at its cost.
"""

import random

from tophalf.advise.limits import BH_WORK_SINCE
from tophalf.advise.mechanisms import BH_WORK, HARDIRQ, NAPI, SOFTIRQ, TASKLET, THREAD, WORKQUEUE
from tophalf.advise.needs import BLOCK, NETWORK
from tophalf.advise.skeleton import workqueue_flags
from tophalf.frozen import Frozen
from tophalf.scenario.costtable import ASSUMED, load_cost_table
from tophalf.scenario.load import read_scenario

COSTS = ("irq_entry", "irq_exit", "softirq_entry", "context_switch", "timer_tick", "handler")
IRQ, DEVICE = 30, "mydev"
SERVICE_NS = 1_000  # of the disk: percentiles are counted to 1/64 of a latency that it is part of
SIMULATED_NS_MIN, SIMULATED_NS_MAX = 20 * 10**6, 20 * 10**9  # tasks take turns of milliseconds: less would show none of it
ARRIVALS_ENOUGH = 10_000  # beyond 500k/s less time than that is simulated, to end some day
RUN_AS = {  # how a mechanism is run where its name does not say it
    (NETWORK, HARDIRQ): "the handler serves the ring, its line masked", (NETWORK, THREAD): "threaded NAPI",
    (NETWORK, NAPI): "NAPI in the softirq NET_RX", (BLOCK, HARDIRQ): "a queue for each CPU: finished in the handler",
    (BLOCK, SOFTIRQ): "one queue for two CPUs: finished in the softirq BLOCK",
    (None, THREAD): "IRQF_ONESHOT, a level line: masked until the thread is done",
    (None, SOFTIRQ): "a tasklet of HI stands for it: the model's devices have no vector of their own",
}  # fmt: skip


def stands_for(needs):
    """NETWORK: a NIC stands for the load, BLOCK: a disk, None: a device."""
    return None if needs.sleeps else needs.device


class Load(Frozen):
    """What is asked in one run. needs; rate; until_ns: simulated; seed; costs: {of COSTS: ns}; work_ns; times: arrivals, ns."""

    __slots__ = ("needs", "rate", "until_ns", "seed", "costs", "work_ns", "times")


def make_load(needs, arrivals, seed=0, factor=1, costs=None, work_ns=None):
    """A Load of about so many arrivals, Poisson. factor: of the rate, in the same simulated time."""
    shortest_ns = min(SIMULATED_NS_MIN, round(max(arrivals, ARRIVALS_ENOUGH) * 1e9 / needs.rate))
    until_ns = min(max(round(arrivals * 1e9 / needs.rate), shortest_ns), SIMULATED_NS_MAX)
    rate = needs.rate * factor
    return Load(needs=needs, rate=rate, until_ns=until_ns, seed=seed, costs=costs or assumed_costs(),
                work_ns=work_ns or needs.work_ns, times=poisson_times(rate, until_ns, seed))  # fmt: skip


def assumed_costs():
    """{of COSTS: ns}, as `tophalf costs` has them."""
    costs, _ = load_cost_table(ASSUMED)
    return {name: costs[name][1] for name in COSTS}


def poisson_times(rate, until_ns, seed):
    """Arrivals in [0, until_ns), ns, ascending; the same for one rate and seed."""
    stream, times, now = random.Random(f"{seed} {rate}"), [], 0.0
    while True:
        now += stream.expovariate(rate) * 1e9
        if now >= until_ns:
            return times
        times.append(max(round(now), times[-1] + 1 if times else 1))


def scenario_of(load, mechanism):
    """The Scenario of a load under a mechanism. Raises: ScenarioError."""
    kind = stands_for(load.needs)
    body = {NETWORK: _nic, BLOCK: _disk, None: _device}[kind](load, mechanism)
    cpus = 2 if kind == BLOCK else 1
    kernel = "6.12" if load.needs.kernel >= BH_WORK_SINCE else "6.1"
    costs = "\n".join(f"{name} = {ns}" for name, ns in load.costs.items())
    text = f"""title = "{mechanism}"
[machine]
cpus = {cpus}
kernel = "{kernel}"
[costs]
{costs}
[[task]]
name = "app"
run = "1ms"
{body}"""
    return read_scenario(text, f"{mechanism.replace(' ', '-')}.toml")


def _device(load, mechanism):
    cost, work = f"handler_cost = {load.costs['handler']}", f"deferred_cost = {load.work_ns}"
    lines = {
        # Read once and never acknowledged: each message is its own, none is lost while a handler runs.
        HARDIRQ: f"acknowledge = false\nhandler_cost = {load.costs['handler'] + load.work_ns}",
        # Masked while it runs, so that each run's end is seen in the trace.
        THREAD: f'flow = "level"\ndefer = "thread"\noneshot = true\n{cost}\n{work}',
        TASKLET: f'acknowledge = false\ndefer = "tasklet"\n{cost}\n{work}',
        BH_WORK: f'acknowledge = false\ndefer = "work"\nworkqueue = "system_bh_wq"\n{cost}\n{work}',
        WORKQUEUE: f'acknowledge = false\ndefer = "work"\nworkqueue = "{DEVICE}_wq"\n{cost}\n{work}',
        SOFTIRQ: f'acknowledge = false\ndefer = "hi_tasklet"\n{cost}\n{work}',
    }
    own = f'[[workqueue]]\nname = "{DEVICE}_wq"\nflags = {_flags(load.needs)}\n' if mechanism == WORKQUEUE else ""
    return f'{own}[[device]]\nname = "{DEVICE}"\nirq = {IRQ}\narrivals = "times"\ntimes = {load.times}\n{lines[mechanism]}\n'


def _flags(needs):
    flags = workqueue_flags(needs)
    names = [] if flags == "0" else [flag.removeprefix("WQ_").lower() for flag in flags.split(" | ")]
    return str(names)


def _nic(load, mechanism):
    mode = 'mode = "handler"' if mechanism == HARDIRQ else 'mode = "napi"'
    mode += "\nthreaded = true\nthread_cpus = 0" if mechanism == THREAD else ""
    return f'[[nic]]\nrate = {load.rate}\narrivals = "times"\ntimes = {load.times}\npacket_cost = {load.work_ns}\n{mode}\n'


def _disk(load, mechanism):
    queues = 2 if mechanism == HARDIRQ else 1
    return f"""[[disk]]
queues = {queues}
channels = 64
service = {SERVICE_NS}
handler_cost = {load.costs["handler"]}
complete_cost = {load.work_ns}
[[job]]
cpus = 0
fifo = 1
depth = 1024
rate = {load.rate}
arrivals = "poisson"
"""
