"""What CPUs, threads and network devices of a simulated machine have counted.

fs/proc/softirqs.c, net/core/net-procfs.c, fs/proc/array.c. A thread's time is its own: with irq time accounting off a real one's
holds the interrupts that came in between, too.
"""

from tophalf.model import fields as f
from tophalf.snapshot import CpuTable, Softnet, Thread
from tophalf.vocab import SOFTIRQS

KINDS = {f.KSOFTIRQD: "ksoftirqd", f.IRQ_THREAD: "irq", f.KWORKER: "kworker"}
POLICIES = {f.FAIR: "SCHED_OTHER", f.FIFO: "SCHED_FIFO"}


def read_softirqs(sight):
    """CpuTable of softirqs run, with a column for each possible CPU."""
    cpus = sight.builder.cpus
    rows = {name: tuple(sight[cpu + f.C_SOFTIRQS + vector] for cpu in cpus) for vector, name in enumerate(SOFTIRQS)}
    return CpuTable(cpus=tuple(range(len(cpus))), rows=rows)


def read_softnet(sight):
    """{cpu: Softnet} of the CPUs that are online."""
    return {number: _softnet(sight, sight.builder.cpus[number]) for number in sight.online}


def _softnet(sight, cpu):
    return Softnet(
        processed=sight[cpu + f.C_PROCESSED], dropped=0, time_squeeze=sight[cpu + f.C_SQUEEZED], received_rps=0, flow_limit=0,
        input_qlen=0, process_qlen=0,
    )  # fmt: skip


def read_threads(sight):
    """{(name, pid): Thread} of the threads that run interrupt work."""
    found = {}
    for pid, task in sight.builder.tasks.items():
        thread = _thread(sight, pid, task) if pid > 0 else None
        if thread:
            found[thread.name, pid] = thread
    return dict(sorted(found.items(), key=lambda pair: pair[0][1]))


def _thread(sight, pid, task):
    name, policy = sight.text(task + f.K_NAME), sight[task + f.K_POLICY]
    kind = "napi" if name.startswith("napi/") else KINDS.get(sight[task + f.K_CLASS])
    if kind is None:
        return None
    return Thread(
        name=name, pid=pid, kind=kind, cpu=_bound_to(sight, task, kind, name),
        irq=int(name[4:].partition("-")[0]) if kind == "irq" else None, cpu_ns=sight[task + f.K_RUNTIME], resolution_ns=1,
        policy=POLICIES[policy], rt_priority=sight[task + f.K_PRIORITY] if policy == f.FIFO else 0,
    )  # fmt: skip


def _bound_to(sight, task, kind, name):
    """The CPU that a thread's name or kind says; an unbound worker and a NAPI thread have none."""
    if kind == "napi" or name.startswith(("kworker/u", "kworker/R-")):
        return None
    return sight.cpu_number(sight[task + f.K_CPU])


def read_netdev_stats(sight):
    """{device: {counter: count}}: what was received, and what found no room in a ring."""
    found = {}
    for name, queues in sight.nics.items():
        delivered, dropped = (sum(sight[queue + field] for queue in queues) for field in (f.Q_DELIVERED, f.Q_DROPPED))
        found[name] = {"rx_packets": delivered, "rx_missed_errors": dropped, "rx_dropped": 0, "rx_errors": 0}
    return found or None
