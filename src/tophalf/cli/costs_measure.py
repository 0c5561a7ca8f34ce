"""Measuring a table of costs on this machine: loops of its own, and a recording under a load on loopback beside them."""

import os
import time

from tophalf.cli import render
from tophalf.errors import MachineError, TophalfError

SECONDS, SETTLE_S = 4.0, 0.3
OWN = {
    "syscall": "getppid less an empty call, from Python",
    "page_fault": "first write to an anonymous page less the second",
    "context_switch": "two processes that hand on a byte through pipes on one CPU, less one that hands it to itself",
}
TRACED = {
    "irq_entry": "from a busy loop's last look at the clock to the tick's tracepoint",
    "irq_exit": "from the tick's last tracepoint to the loop's next look at the clock",
    "softirq_entry": "from the end of an interrupt's handler to the softirq behind it",
    "ipi": "from a wakeup for another CPU to its reschedule interrupt",
    "timer_tick": "local timer interrupts",
    "handler": "interrupt handlers of all devices",
    "poll": "runs of NET_RX with one poll, a line through their time by packets",
    "packet": "runs of NET_RX with one poll of loopback, by packets",
}


def measure(path, force=False):
    """Write a table of what can be measured here. Returns its path. Raises: TophalfError: it exists, no root, no tracefs."""
    from tophalf.scenario.costtable import write_cost_table

    if os.path.exists(path) and not force:
        raise TophalfError("exists already", path, "--force overwrites it")
    samples = _own() | _traced()
    costs = {name: f"{max(round(_middle(found)), 0)}ns" for name, found in samples.items()}
    sources = {name: _source(name, found) for name, found in samples.items()}
    if "packet" in costs and "poll" not in costs:
        costs["poll"], sources["poll"] = "0ns", "in `packet`: every poll that was seen took one packet"
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(write_cost_table(costs, sources, _head()))
    except OSError as error:
        raise TophalfError(f"cannot be written: {error.strerror}", path) from None
    render.progress("")
    return path


def _head():
    from tophalf.scenario.costtable import ASSUMED

    kernel, cpu = os.uname().release, _cpu_model()
    return [f"Measured {time.strftime('%Y-%m-%d')} on {cpu}, Linux {kernel}: medians; what tracing itself took, some 100 ns",
            f"an event, is in them. What is not here could not be measured and is as in the table {ASSUMED!r}."]  # fmt: skip


def _cpu_model():
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return names[0] if names else os.uname().machine


def _middle(found):
    return sorted(found)[len(found) // 2]


def _source(name, found):
    ordered = sorted(found)
    low, high = (round(ordered[len(ordered) * part // 10]) for part in (1, 9))
    how = OWN.get(name) or TRACED[name]
    return f"measured: {how}; {len(found):,} samples, p10 {low:,} ns, p90 {high:,} ns"


def _own():
    from tophalf.host import stepcosts

    render.progress("timing system calls, page faults, switches ...")
    cpu = min(os.sched_getaffinity(0))
    return {
        "syscall": stepcosts.syscall_ns(), "page_fault": stepcosts.page_fault_ns(),
        "context_switch": stepcosts.context_switch_ns(cpu),
    }  # fmt: skip


def _traced():
    """Samples from a recording: a loop that looks at the clock on one CPU, a flood over loopback on another."""
    from tophalf.cli.traced import need_tracing
    from tophalf.host.record.recorder import record_machine
    from tophalf.host.trace.traces import load_events
    from tophalf.judge.times.stepcosts import step_costs

    need_tracing()
    cpus = sorted(os.sched_getaffinity(0))
    loads = {}
    render.progress(f"tracing this host for {SECONDS:g} s under a load on loopback ...")
    machine, _ = record_machine(SECONDS, events="+sched:sched_wakeup", on_start=lambda _: loads.update(_start_loads(cpus)))
    gaps, look_ns = [], 0
    if "gaps" in loads:
        look_ns, gaps = loads["gaps"].wait() or (0, [])
    loads["flood"].wait()
    table = load_events(machine)
    if table is None:
        raise MachineError("nothing was traced", "this host", "see `tophalf record`")
    return step_costs(table, gaps if table.clock == "mono" else (), look_ns, cpus[-1])


def _start_loads(cpus):
    from tophalf.host import stepcosts

    until_ns = time.monotonic_ns() + round((SECONDS - SETTLE_S) * 1e9)
    started = {"flood": stepcosts.in_child(stepcosts.flood, cpus[0], until_ns)}
    if len(cpus) > 1:  # a CPU of its own: beside the flood every gap would be the flood's
        started["gaps"] = stepcosts.in_child(stepcosts.gaps, cpus[-1], until_ns)
    return started
