"""What CPUs, threads and network devices of a simulated machine have counted.

fs/proc/softirqs.c, net/core/net-procfs.c, fs/proc/array.c. A thread's time is its own: with irq time accounting off a real one's
holds the interrupts that came in between, too.
"""

from tophalf.model import fields as f
from tophalf.model.machine.works import exists
from tophalf.model.net import driverfields as d
from tophalf.model.net import stackfields as s
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
    softnet = sight[cpu + f.C_STACK]

    def of(field):
        return sight[softnet + field] if softnet else 0

    return Softnet(
        processed=sight[cpu + f.C_PROCESSED], dropped=of(s.SD_DROPPED), time_squeeze=sight[cpu + f.C_SQUEEZED],
        received_rps=of(s.SD_RECEIVED_RPS), flow_limit=of(s.SD_LIMITED), input_qlen=of(s.SD_INPUT_LEN),
        process_qlen=of(s.SD_PROCESS_LEN),
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
    if kind is None or kind == "kworker" and not name.startswith("kworker/") or not exists(sight, task):
        return None  # 6.1: a rescuer has its workqueue's name
    return Thread(
        name=name, pid=pid, kind=kind, cpu=_bound_to(sight, task, kind, name),
        irq=int(name[4:].partition("-")[0]) if kind == "irq" else None, cpu_ns=sight[task + f.K_RUNTIME], resolution_ns=1,
        policy=POLICIES[policy], rt_priority=sight[task + f.K_PRIORITY] if policy == f.FIFO else 0,
    )  # fmt: skip


def _bound_to(sight, task, kind, name):
    """The CPU that a thread's name or kind says; an unbound worker and a NAPI thread have none."""
    if kind == "napi" or name.startswith(("kworker/u", "kworker/R-")):
        return None
    if kind == "kworker":
        return int(name[len("kworker/") :].partition(":")[0])  # also while its CPU is away
    return sight.cpu_number(sight[task + f.K_CPU])


def read_netdev_stats(sight):
    """{device: {counter: count}}: what was received, and what found no room in a ring."""
    found = {}
    for name, queues in sight.nics.items():
        received = sum(sight[queue + (f.Q_HEAD if sight[queue + f.Q_SINK] else f.Q_DELIVERED)] for queue in queues)
        missed = sum(sight[queue + f.Q_DROPPED] for queue in queues)
        backlog = sum(sight[sight[queue + f.Q_SINK] + s.X_BACKLOG_DROPPED] for queue in queues if sight[queue + f.Q_SINK])
        found[name] = {"rx_packets": received, "rx_missed_errors": missed, "rx_dropped": backlog, "rx_errors": 0}
        rings = [tx for tx in map(sight.send_queue, queues) if tx]
        if rings:
            found[name]["tx_packets"] = sum(sight[tx + d.TX_DONE] for tx in rings)
    return found or None


def read_udp(sight):
    """Counters of UDP (net/ipv4/proc.c): datagrams that were read, and those that found a socket's buffer full.

    None where there is no socket: nothing says then that the packets are datagrams for this machine.
    """
    sockets = sight.builder.sockets
    if not sockets:
        return None
    read, lost = (sum(sight[socket + field] for socket in sockets) for field in (s.S_IN_DATAGRAMS, s.S_RCVBUF_ERRORS))
    return {"InDatagrams": read, "NoPorts": 0, "InErrors": lost, "OutDatagrams": 0, "RcvbufErrors": lost, "SndbufErrors": 0}
