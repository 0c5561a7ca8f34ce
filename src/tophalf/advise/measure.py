"""One load under one mechanism, simulated: how long each arrival waits, what is done, whose time it takes.

A delay is from the arrival to the end of the work that serves it, less that work itself: what the mechanism and all else on the CPU
cost. Devices' are read out of the run's events, a NIC's and a disk's out of the model's own statistics. Leaves out: what a
run costs the program beside it in caches (`costs.cache_cold` is 0 as assumed).
"""

import numpy as np

from tophalf import vocab
from tophalf.advise.load import IRQ, SERVICE_NS, scenario_of
from tophalf.advise.mechanisms import BH_WORK, HARDIRQ, SOFTIRQ, TASKLET, THREAD, WORKQUEUE
from tophalf.frozen import Frozen
from tophalf.model import fields as f
from tophalf.model.simulate import make_world, run_on
from tophalf.model.summary import summarise
from tophalf.model.table import event_table

TRACE_ROWS = 1 << 15
WORK_OF_INTERRUPTS = ("hardirq_ns", "softirq_ns", "ksoftirqd_ns", "irq_thread_ns", "kworker_ns")
SPANS = {
    HARDIRQ: (vocab.IRQ_HANDLER_ENTRY, vocab.IRQ_HANDLER_EXIT), TASKLET: (vocab.TASKLET_ENTRY, vocab.TASKLET_EXIT),
    BH_WORK: (vocab.WORKQUEUE_EXECUTE_START, vocab.WORKQUEUE_EXECUTE_END),
    SOFTIRQ: (vocab.TASKLET_ENTRY, vocab.TASKLET_EXIT),
    WORKQUEUE: (vocab.WORKQUEUE_EXECUTE_START, vocab.WORKQUEUE_EXECUTE_END),
}  # fmt: skip


class Measured(Frozen):
    """asked, done: arrivals, and runs, packets or requests that are over. p50_ns, p99_ns: of the delay, None where none was done.
    cpu_share: of one CPU, by interrupts' work with its context switches."""

    __slots__ = ("asked", "done", "p50_ns", "p99_ns", "cpu_share")

    @property
    def done_share(self):
        """Of what was asked."""
        return self.done / self.asked if self.asked else 1.0


def measure(load, mechanism):
    """A Measured. Raises: TophalfError."""
    world = make_world(scenario_of(load, mechanism), load.seed, TRACE_ROWS)
    run_on(world, load.until_ns)
    found = summarise(world)
    if found["disks"]:
        return _of_disk(load, found)
    if found["packets"]["offered"]:
        return _of_nic(load, found, _polled_ns(world))
    runs = _thread_runs(event_table(world)) if mechanism == THREAD else _runs(event_table(world), *SPANS[mechanism])
    delays = delays_ns(np.asarray(load.times, np.int64), runs) - load.work_ns
    p50, p99 = (nearest_rank(delays, percent) for percent in (50, 99))
    return Measured(asked=len(load.times), done=len(runs), p50_ns=p50, p99_ns=p99, cpu_share=_cpu_share(load, found))


def _of_nic(load, found, polled_ns):
    latency, packets = found["latency_ns"], found["packets"]
    p50, p99 = (None if latency[name] is None else latency[name] - load.work_ns for name in ("p50", "p99"))
    done = packets["delivered"]
    return Measured(asked=packets["offered"], done=done, p50_ns=p50, p99_ns=p99, cpu_share=_cpu_share(load, found, polled_ns))


def _polled_ns(world):
    """How long the threads of threaded NAPI ran, as the scheduler counts it."""
    m, strings = world.memory, world.builder.memory.strings
    tasks = world.builder.tasks.values()
    return sum(int(m[task + f.K_RUNTIME]) for task in tasks if strings[int(m[task + f.K_NAME])].startswith("napi/"))


def _of_disk(load, found):
    disk = found["disks"][0]
    p50, p99 = (disk["latency_ns"][name] for name in ("p50", "p99"))
    p50, p99 = (None if value is None else value - SERVICE_NS - load.work_ns for value in (p50, p99))
    share = sum(cpu[name] for cpu in found["cpus"] for name in WORK_OF_INTERRUPTS) / load.until_ns
    return Measured(asked=disk["submitted"], done=disk["completed"], p50_ns=p50, p99_ns=p99, cpu_share=share)


def _cpu_share(load, found, polled_ns=0):
    """A switch is charged to who comes: those to a thread are in its time, those back to the program are added here.
    polled_ns: of threads that poll, which the model counts among the tasks."""
    times = sum(cpu[name] for cpu in found["cpus"] for name in WORK_OF_INTERRUPTS)
    rest = sum(cpu["task_ns"] for cpu in found["cpus"]) - polled_ns
    back = sum(found["context_switches"].values()) // 2 * load.costs["context_switch"]
    return (times + polled_ns + min(back, rest)) / load.until_ns  # a switch that is interrupted is not always paid in full


def _runs(table, entry, exit_):
    """[(start, end)] of what begins with one kind of event and ends with another, on one CPU, never nested."""
    starts, ends = (table.time_ns[table.kind == kind] for kind in (entry, exit_))
    return np.stack([starts[: len(ends)], ends], axis=1)


def _thread_runs(table):
    """[(start, end)] of an irq thread's runs. Its line is masked while it runs: a handler comes between two runs, or it sleeps."""
    thread = next((pid for pid, comm in table.tasks.items() if comm.startswith(f"irq/{IRQ}-")), None)
    kinds = (vocab.SCHED_SWITCH, vocab.IRQ_HANDLER_ENTRY, vocab.IRQ_HANDLER_EXIT)
    runs, start, runs_now = [], None, False
    for row in np.flatnonzero(np.isin(table.kind, kinds)).tolist():
        time_ns, kind = int(table.time_ns[row]), table.kind[row]
        if kind == vocab.SCHED_SWITCH:
            if start is not None and int(table.pid[row]) == thread and int(table.b[row]) != 0:  # it sleeps: not preempted
                runs.append((start, time_ns))
                start = None
            runs_now = int(table.a[row]) == thread
            start = time_ns if runs_now and start is None else start
        elif runs_now and kind == vocab.IRQ_HANDLER_ENTRY and start is not None:
            runs.append((start, time_ns))
            start = None
        elif runs_now and kind == vocab.IRQ_HANDLER_EXIT:
            start = time_ns
    return np.asarray(runs, np.int64).reshape(-1, 2)


def delays_ns(times, runs):
    """Of each arrival that was served, to the end of the first run that began after it. runs: rows (start, end)."""
    which = np.searchsorted(runs[:, 0], times, side="left")
    served = which < len(runs)
    return runs[which[served], 1] - times[served]


def nearest_rank(values, percent):
    """A percentile as an int, None of nothing."""
    if not len(values):
        return None
    return int(np.sort(values)[-(-len(values) * percent // 100) - 1])
