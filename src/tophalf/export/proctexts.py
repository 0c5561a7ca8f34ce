"""Counters and settings of a snapshot as the files of /proc and /sys that hold them on a machine."""

import json

from tophalf.export.devicetexts import device_files
from tophalf.nictext import statistics_text
from tophalf.snapshot import STAT_TIMES
from tophalf.vocab import KTHREADD, LINK_STATS, PF_KTHREAD, SCHED_POLICIES, SOFTIRQS, cpu_list, cpu_mask

TICK_NS = 10_000_000


def counter_files(snapshot):
    """{path: text} of what one moment counts and of the files of its interrupts."""
    files = {}
    if snapshot.interrupts:
        files["/proc/interrupts"] = interrupts_text(snapshot.interrupts)
    if snapshot.softirqs:
        files["/proc/softirqs"] = _table(snapshot.softirqs.cpus, snapshot.softirqs.rows)
    if snapshot.stat:
        files["/proc/stat"] = stat_text(snapshot.stat)
    if snapshot.softnet is not None:
        files["/proc/net/softnet_stat"] = softnet_text(snapshot.softnet)
    if snapshot.udp:
        files["/proc/net/snmp"] = f"Udp: {' '.join(snapshot.udp)}\nUdp: {' '.join(map(str, snapshot.udp.values()))}\n"
    if snapshot.default_affinity is not None:
        files["/proc/irq/default_smp_affinity"] = cpu_mask(snapshot.default_affinity) + "\n"
    for irq, read in (snapshot.irq_files or {}).items():
        files |= _irq_files(irq, read)
    for thread in (snapshot.threads or {}).values():
        files |= thread_files(thread)
    ticks = {thread.name: thread.cpu_ns // TICK_NS for thread in (snapshot.threads or {}).values() if thread.pid is None}
    if ticks:
        files["/thread_ticks.json"] = json.dumps(ticks)
    for device, counters in (snapshot.netdev_stats or {}).items():
        files |= _netdev_files(device, counters)
    return files | {path: text.decode() for path, text in statistics_text(snapshot.netdev_stats).items()}


def interrupts_text(interrupts):
    """/proc/interrupts."""
    lines = ["           " + " ".join(f"CPU{cpu:<7}" for cpu in interrupts.cpus)]
    for line in interrupts.lines.values():
        counts = "".join(f"{count:10} " for count in line.counts)
        lines.append(f"{line.key:>4}:{counts} {line.description if line.description is not None else _description(line)}".rstrip())
    return "\n".join([*lines, ""])


def _description(line):
    if line.irq is None:
        return ""
    chip, hwirq = line.chip or "None", "" if line.hwirq is None else f"  {line.hwirq}"
    return f"{chip}{hwirq}{'-' + line.trigger if line.trigger else ''}      {', '.join(line.actions)}".rstrip()


def _table(cpus, rows):
    head = "                    " + "".join(f"CPU{cpu:<8}" for cpu in cpus)
    return "\n".join([head, *(f"{name:>12}: " + " ".join(f"{count:10}" for count in row) for name, row in rows.items()), ""])


def stat_text(stat):
    """/proc/stat."""
    rows = [tuple(ticks) for _, ticks in sorted(stat.ticks.items())]
    sums = [sum(row[at] for row in rows if at < len(row)) for at in range(len(STAT_TIMES))]
    lines = ["cpu  " + " ".join(map(str, sums))]
    lines += [f"cpu{cpu} {' '.join(map(str, ticks))}" for cpu, ticks in sorted(stat.ticks.items())]
    for name, value in (("intr", stat.interrupts), ("ctxt", stat.context_switches), ("btime", stat.boot_time_s),
                        ("processes", stat.processes)):  # fmt: skip
        if value is not None:
            lines.append(f"{name} {value}")
    if stat.softirqs is not None:
        counts = [stat.softirqs.get(name, 0) for name in SOFTIRQS]
        lines.append(f"softirq {sum(counts)} {' '.join(map(str, counts))}")
    return "\n".join([*lines, ""])


def softnet_text(softnet):
    """/proc/net/softnet_stat with the CPU in its own column; what is None is cut off the end or 0."""
    lines = []
    for cpu, row in sorted(softnet.items()):
        cells = [row.processed, row.dropped, row.time_squeeze, 0, 0, 0, 0, 0, 0, row.received_rps, row.flow_limit]
        cells += [(row.input_qlen or 0) + (row.process_qlen or 0), cpu]
        if row.input_qlen is not None:
            cells += [row.input_qlen, row.process_qlen]
        lines.append(" ".join(f"{cell or 0:08x}" for cell in cells))
    return "\n".join([*lines, ""])


def _irq_files(irq, read):
    proc, sys, files = f"/proc/irq/{irq}", f"/sys/kernel/irq/{irq}", {}
    for name, cpus in (("smp_affinity", read.affinity), ("effective_affinity", read.effective_affinity),
                       ("affinity_hint", read.affinity_hint)):  # fmt: skip
        if cpus is not None:
            files[f"{proc}/{name}"] = cpu_mask(cpus) + "\n"
    if read.node is not None:
        files[f"{proc}/node"] = f"{read.node}\n"
    if read.spurious is not None:
        last = read.spurious.last_unhandled_ms
        told = "" if last is None else f"last_unhandled {last} ms\n"
        files[f"{proc}/spurious"] = f"count {read.spurious.count}\nunhandled {read.spurious.unhandled}\n{told}"
    for action in read.actions or ():
        files[f"{proc}/{action}/.keep"] = ""
    for name, value in (("chip_name", read.chip), ("hwirq", read.hwirq), ("type", read.trigger), ("name", read.name),
                        ("wakeup", read.wakeup)):  # fmt: skip
        if value is not None:
            files[f"{sys}/{name}"] = f"{value}\n"
    return files


def thread_files(thread):
    """stat and schedstat of /proc/PID; nothing for a thread without a pid."""
    if thread.pid is None:
        return {}
    fields = [0] * 50
    fields[0], fields[5], fields[10], fields[35] = KTHREADD, PF_KTHREAD, thread.cpu_ns // TICK_NS, thread.cpu or 0
    fields[36] = thread.rt_priority or 0
    fields[37] = SCHED_POLICIES.index(thread.policy) if thread.policy else -1
    files = {f"/proc/{thread.pid}/stat": f"{thread.pid} ({thread.name}) S {' '.join(map(str, fields))}\n"}
    if thread.resolution_ns == 1:
        files[f"/proc/{thread.pid}/schedstat"] = f"{thread.cpu_ns} 0 1\n"
    return files


def _netdev_files(device, counters):
    """The stack's own; the driver's are as ethtool -S prints them."""
    stack = ((name, count) for name, count in counters.items() if name in LINK_STATS)
    return {f"/sys/class/net/{device}/statistics/{name}": f"{count}\n" for name, count in stack}


def log_text(log):
    """The kernel log as dmesg prints it."""
    stamps = ("" if line.time_us is None else f"[{line.time_us // 10**6:5}.{line.time_us % 10**6:06}] " for line in log)
    return "".join(f"{stamp}{line.text}\n" for stamp, line in zip(stamps, log, strict=True))


def fact_files(facts):
    """({path: text}, {link: target}) of what does not change."""
    files = {}
    if facts.boot:
        for path, text in (("/proc/version", facts.boot.version), ("/proc/cmdline", facts.boot.cmdline),
                           ("/proc/sys/kernel/random/boot_id", facts.boot.boot_id)):  # fmt: skip
            if text is not None:
                files[path] = text + "\n"
        if facts.boot.isolated is not None:
            files["/sys/devices/system/cpu/isolated"] = cpu_list(facts.boot.isolated) + "\n"
        files |= _build_files(facts.boot)
    if facts.topology:
        files |= _topology_files(facts.topology)
    for name, cpus in (facts.workqueues or {}).items():
        file = {"default": "cpumask", "isolated": "cpumask_isolated"}.get(name, f"{name}/cpumask")
        files[f"/sys/devices/virtual/workqueue/{file}"] = cpu_mask(cpus) + "\n"
    for name, value in (facts.sysctl or {}).items():
        files[f"/proc/sys/{name.replace('.', '/')}"] = f"{value}\n"
    files |= _daemon_files(facts.daemons)
    more, links = device_files(facts)
    return files | more, links


def _build_files(boot):
    """What a kernel says of its build: the architecture, and whether it accounts for the time of interrupts."""
    words, files = (boot.version or "").split(), {}
    release = words[2] if words[:2] == ["Linux", "version"] and len(words) > 2 else None
    if boot.machine:
        files["/sos_commands/kernel/uname_-a"] = f"Linux machine {release or 'unknown'} {boot.machine} GNU/Linux\n"
    if release and "/" not in release and boot.irq_time_accounting is not None:
        setting = "CONFIG_IRQ_TIME_ACCOUNTING=y" if boot.irq_time_accounting else "# CONFIG_IRQ_TIME_ACCOUNTING is not set"
        files[f"/boot/config-{release}"] = f"# Linux {release}\n{setting}\n"
    return files


def _topology_files(topology):
    cpu, files = "/sys/devices/system/cpu", {}
    for name, cpus in (("online", topology.online), ("possible", topology.possible)):
        if cpus is not None:
            files[f"{cpu}/{name}"] = cpu_list(cpus) + "\n"
    for node, cpus in (topology.nodes or {}).items():
        files[f"/sys/devices/system/node/node{node}/cpulist"] = cpu_list(cpus) + "\n"
    for one, package in (topology.package_of or {}).items():
        files[f"{cpu}/cpu{one}/topology/physical_package_id"] = f"{package}\n"
    for one, cpus in (topology.siblings or {}).items():
        files[f"{cpu}/cpu{one}/topology/core_cpus_list"] = cpu_list(cpus) + "\n"
    for one, cpus in (topology.llc or {}).items():
        files[f"{cpu}/cpu{one}/cache/index3/level"] = "3\n"
        files[f"{cpu}/cpu{one}/cache/index3/shared_cpu_list"] = cpu_list(cpus) + "\n"
    return files


def _daemon_files(daemons):
    """Process 1 shows that a list of processes is recorded at all."""
    if daemons is None:
        return {}
    files = {"/proc/1/comm": "systemd\n"}
    for name, daemon in daemons.items():
        if daemon:
            files[f"/proc/{daemon.pid}/comm"] = f"{name}\n"
            files[f"/proc/{daemon.pid}/cmdline"] = "\0".join(daemon.arguments or (name,)) + "\0"
            if daemon.banned_cpus is not None:
                files[f"/proc/{daemon.pid}/environ"] = f"IRQBALANCE_BANNED_CPULIST={cpu_list(daemon.banned_cpus)}\0"
            if daemon.profile is not None:
                files["/etc/tuned/active_profile"] = f"{daemon.profile}\n"
    return files
