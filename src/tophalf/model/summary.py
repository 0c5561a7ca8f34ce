"""What a run came to: packets, latencies, whose time it was, and one digest of every counter."""

import hashlib
import json

from tophalf.model import fields as f
from tophalf.model import latencies
from tophalf.model.block import blockfields as b
from tophalf.model.code import callfields as k
from tophalf.model.code.counts import digested, driver_counts
from tophalf.model.net import driverfields as d
from tophalf.model.net import stackfields as s
from tophalf.model.timer import timerfields as t
from tophalf.model.work import workfields as g
from tophalf.model.work.workcounts import work_counts

TIMES = ("hardirq_ns", "softirq_ns", "ksoftirqd_ns", "irq_thread_ns", "kworker_ns", "task_ns", "idle_ns")
DISK_COUNTERS = (b.B_SUBMITTED, b.B_COMPLETED, b.B_IN_PLACE, b.B_BY_SOFTIRQ, b.B_BY_IPI, b.B_LATENCY_SUM, b.B_LATENCY_MAX)
CALL_COUNTERS = (k.CL_BEGUN, k.CL_DONE, k.CL_FAILED, k.CL_LATENCY_SUM, k.CL_LATENCY_MAX)


def summarise(world):
    """The counters of a World as a dict of plain integers (docs/json.md, `tophalf run`)."""
    m, builder = world.memory, world.builder
    return {
        "simulated_ns": world.now_ns,
        "events": int(m[f.G_EVENTS]),
        "interrupts": sum(int(m[desc + f.D_COUNT]) for irq, desc in builder.irqs.items() if irq >= 0),
        "polls": int(m[f.G_POLLS]),
        "context_switches": {"voluntary": int(m[f.G_SWITCH_VOLUNTARY]), "by_interrupt": int(m[f.G_SWITCH_BY_INTERRUPT])},
        "syscalls": int(m[f.G_SYSCALLS]),
        "page_faults": int(m[f.G_FAULTS]),
        "packets": packets(world),
        "latency_ns": latency(world),
        "sent": sum(int(m[tx + d.TX_DONE]) for tx in builder.sending),
        "disks": [_disk(m, disk) for disk in builder.disks],
        "work": work_counts(world),
        "calls": [_call(m, call) for call in builder.calls],
        "timers": [_timer(m, timer) for timer in builder.timers],
        "cpus": [_cpu(m, cpu) for cpu in builder.cpus],
        "lines": [_line(world, irq, desc) for irq, desc in sorted(builder.irqs.items()) if irq >= 0],
        "drivers": driver_counts(world),
        "orders": [one.as_dict() for one in world.answers],
        "digest": digest(world),
    }


def packets(world):
    """{offered, delivered, dropped {ring, backlog, socket}, in_flight} of all queues."""
    m, queues = world.memory, world.builder.queues
    offered, delivered, ring = (sum(int(m[q + field]) for q in queues) for field in (f.Q_OFFERED, f.Q_DELIVERED, f.Q_DROPPED))
    sinks = [int(m[queue + f.Q_SINK]) for queue in world.builder.stacked]
    backlog, socket = (sum(int(m[sink + field]) for sink in sinks) for field in (s.X_BACKLOG_DROPPED, s.X_SOCKET_DROPPED))
    dropped = {"ring": ring, "backlog": backlog, "socket": socket}
    return {
        "offered": offered, "delivered": delivered, "dropped": dropped,
        "in_flight": offered - delivered - sum(dropped.values()),
    }  # fmt: skip


def latency(world):
    """From arrival at the NIC to delivery, over all queues."""
    m, queues = world.memory, world.builder.queues
    cells = latencies.merged(_cells(m, queue) for queue in queues)
    count, total = (sum(int(m[q + field]) for q in queues) for field in (f.Q_DELIVERED, f.Q_LATENCY_SUM))
    return latencies.summary(cells, count, total, max((int(m[q + f.Q_LATENCY_MAX]) for q in queues), default=0))


def _cells(m, queue):
    first = int(m[queue + f.Q_HISTOGRAM])
    return m[first : first + f.HISTOGRAM_SIZE]


def _disk(m, disk):
    """Requests of a disk, where they were finished, and latencies from submission to there."""
    submitted, completed, in_place, softirq, ipi, total, most = (int(m[disk.address + field]) for field in DISK_COUNTERS)
    first = int(m[disk.address + b.B_HISTOGRAM])
    return {
        "name": disk.name, "submitted": submitted, "completed": completed, "in_flight": submitted - completed,
        "finished": {"in_place": in_place, "softirq": softirq, "ipi": ipi},
        "latency_ns": latencies.summary(m[first : first + f.HISTOGRAM_SIZE], completed, total, most),
    }  # fmt: skip


def _call(m, call):
    """How often a function of a driver was entered by tasks and came back, and how long that took."""
    begun, done, failed, total, most = (int(m[call.address + field]) for field in CALL_COUNTERS)
    first = int(m[call.address + k.CL_HISTOGRAM])
    return {
        "name": call.name, "device": call.device, "function": call.function, "done": done, "failed": failed,
        "inside": begun - done, "latency_ns": latencies.summary(m[first : first + f.HISTOGRAM_SIZE], done, total, most),
    }  # fmt: skip


def _timer(m, timer):
    """How often a driver's timer ran, and how much later than asked."""
    runs, total, most = (int(m[timer.address + field]) for field in (t.DT_RUNS, t.DT_LATE_SUM, t.DT_LATE_MAX))
    late_ns = {"mean": total / runs if runs else None, "max": most if runs else None}
    return {"name": timer.name, "kind": timer.kind, "cpu": timer.cpu, "runs": runs, "late_ns": late_ns}


def _cpu(m, cpu):
    times = {name: int(m[cpu + f.C_TIMES + which]) for which, name in enumerate(TIMES)}
    return {"cpu": int(m[cpu + f.C_NUMBER])} | times


def _line(world, irq, desc):
    m, strings = world.memory, world.builder.memory.strings
    counts = [int(m[desc + f.D_COUNTS + number]) for number in range(len(world.builder.cpus))]
    return {"irq": irq, "name": strings[int(m[desc + f.D_NAME])], "count": sum(counts), "per_cpu": counts}


def digest(world):
    """SHA-256 of every counter and histogram. Independent of tracing, of slices and of how the engine was compiled."""
    m, builder = world.memory, world.builder
    found = [int(m[field]) for field in (f.G_NOW, f.G_EVENTS, f.G_INTERRUPTS, f.G_POLLS, f.G_SWITCH_VOLUNTARY,
                                         f.G_SWITCH_BY_INTERRUPT, f.G_SYSCALLS, f.G_FAULTS)]  # fmt: skip
    for cpu in builder.cpus:
        found += _words(m, cpu + f.C_TIMES, f.CLASSES) + _words(m, cpu + f.C_SOFTIRQS, f.SOFTIRQ_COUNT)
        found += [int(m[cpu + field]) for field in (f.C_SWITCHES, f.C_PROCESSED, f.C_SQUEEZED)]
    for irq, desc in sorted(builder.irqs.items()):
        found += [irq, *_words(m, desc + f.D_COUNTS, len(builder.cpus))]
    for task in builder.tasks.values():
        found += [int(m[task + f.K_RUNTIME]), int(m[task + f.K_SWITCHES])]
    for work in builder.workqueues.works if builder.workqueues else ():
        found += _words(m, work + g.X_RUNS, 3)
    for queue in builder.queues:
        found += [int(m[queue + field]) for field in (f.Q_OFFERED, f.Q_DELIVERED, f.Q_DROPPED, f.Q_LATENCY_SUM, f.Q_LATENCY_MAX)]
        found += [int(count) for count in _cells(m, queue)]
    for tx in builder.sending:
        found += [int(m[tx + field]) for field in (d.TX_DONE, d.TX_CLEANED, d.TX_STOPPED)]
    for disk in builder.disks:
        found += [int(m[disk.address + field]) for field in DISK_COUNTERS]
        found += _words(m, int(m[disk.address + b.B_HISTOGRAM]), f.HISTOGRAM_SIZE)
    for call in builder.calls:
        found += [int(m[call.address + field]) for field in CALL_COUNTERS]
        found += _words(m, int(m[call.address + k.CL_HISTOGRAM]), f.HISTOGRAM_SIZE)
    for timer in builder.timers:
        found += [int(m[timer.address + field]) for field in (t.DT_RUNS, t.DT_LATE_SUM, t.DT_LATE_MAX)]
    found += digested(driver_counts(world))
    for one in world.answers:
        found += [one.time_ns, one.error]
    for sink in (int(m[queue + f.Q_SINK]) for queue in builder.stacked):
        found += [int(m[sink + s.X_BACKLOG_DROPPED]), int(m[sink + s.X_SOCKET_DROPPED])]
    for softnet in (int(m[cpu + f.C_STACK]) for cpu in builder.cpus):
        found += [int(m[softnet + field]) for field in (s.SD_DROPPED, s.SD_RECEIVED_RPS, s.SD_LIMITED) if softnet]
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()


def _words(m, address, count):
    return [int(word) for word in m[address : address + count]]
