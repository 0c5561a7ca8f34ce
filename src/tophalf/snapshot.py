"""A machine at one moment, frozen: counters by CPU number, masks, settings, topology; what the model fills in alike.

Every field that a machine does not hold is None. Sets of CPUs are sorted tuples of CPU numbers. Two snapshots subtract
in `tophalf.judge.metrics`.
"""

from tophalf.frozen import Frozen


class Snapshot(Frozen):
    """One moment. `missing` maps a path to why it could not be read ("not recorded", "needs root", ...)."""

    __slots__ = (
        "time_ns",  # int: on this series' own clock (monotonic when live)
        "interrupts",  # Interrupts
        "softirqs",  # CpuTable: softirqs handled, rows by vector name
        "stat",  # Stat
        "softnet",  # {cpu: Softnet}
        "irq_files",  # {irq: IrqFiles}
        "fixed",  # {irq: proof that the kernel does not let it be moved}; None where that cannot be known
        "default_affinity",  # tuple of CPUs: what a new interrupt gets
        "threads",  # {(name, pid): Thread}
        "udp",  # {"RcvbufErrors": int, "InErrors": int, ...} from /proc/net/snmp, snmp6 summed in
        "netdev_stats",  # {device: {counter: int}} drops and packets: NIC statistics and ethtool -S
        "log",  # tuple of LogLine, oldest first
        "facts",  # Facts
        "missing",  # {path: why}
    )


class Interrupts(Frozen):
    """/proc/interrupts (kernel/irq/proc.c show_interrupts, arch_show_interrupts)."""

    __slots__ = ("cpus", "lines")  # tuple of CPU numbers in column order; {key: Line}, key as printed: "24", "LOC"


class Line(Frozen):
    """One line of /proc/interrupts. `counts` runs along Interrupts.cpus, or is one number (`per_cpu` False: ERR, MIS)."""

    __slots__ = ("key", "irq", "kind", "counts", "per_cpu", "chip", "hwirq", "trigger", "actions", "description")


class CpuTable(Frozen):
    """Rows of counters by CPU: `rows` maps a name to counts along `cpus`."""

    __slots__ = ("cpus", "rows")


class Stat(Frozen):
    """/proc/stat (fs/proc/stat.c). `ticks` maps a CPU to its times in USER_HZ ticks, in the order of STAT_TIMES."""

    __slots__ = ("ticks", "context_switches", "interrupts", "softirqs", "boot_time_s", "processes")


STAT_TIMES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "guest", "guest_nice")


class Softnet(Frozen):
    """One row of /proc/net/softnet_stat (net/core/net-procfs.c softnet_seq_show)."""

    __slots__ = ("processed", "dropped", "time_squeeze", "received_rps", "flow_limit", "input_qlen", "process_qlen")


class IrqFiles(Frozen):
    """/proc/irq/N and /sys/kernel/irq/N. CPU sets are tuples; node -1 is the kernel's "none"."""

    __slots__ = (
        "affinity", "effective_affinity", "affinity_hint", "node",
        "spurious",  # Spurious
        "actions", "chip", "hwirq", "trigger", "name", "wakeup",
    )  # fmt: skip


class Spurious(Frozen):
    """/proc/irq/N/spurious (kernel/irq/proc.c irq_spurious_proc_show)."""

    __slots__ = ("count", "unhandled", "last_unhandled_ms")


class Thread(Frozen):
    """A kernel thread that runs interrupt work. kind: ksoftirqd, irq, kworker, ktimers, rcuc, napi, other.

    cpu_ns: CPU time so far. resolution_ns: how coarse that figure is (a USER_HZ tick for /proc/PID/stat, 1 for schedstat).
    """

    __slots__ = ("name", "pid", "kind", "cpu", "irq", "cpu_ns", "resolution_ns", "policy", "rt_priority")


class LogLine(Frozen):
    """A line of the kernel log; time_us since boot or None."""

    __slots__ = ("time_us", "text")


class Facts(Frozen):
    """What does not change from sample to sample: read once a command."""

    __slots__ = (
        "boot",  # Boot
        "topology",  # Topology
        "pci",  # {irq: PciDevice}: which device owns an MSI or legacy line
        "net",  # {device: NetDevice}
        "block",  # {disk: BlockDevice}
        "workqueues",  # {workqueue or "default": tuple of CPUs}: cpumasks of unbound workqueues
        "daemons",  # {"irqbalance": Daemon or False, "tuned": ...}; None: process list not recorded
        "sysctl",  # {"net.core.netdev_budget": int, ...}
    )


class Boot(Frozen):
    """Kernel version and command line. isolated, nohz_full, irqaffinity: CPU tuples, () when empty."""

    __slots__ = ("version", "cmdline", "isolated", "nohz_full", "irqaffinity", "threadirqs", "preempt_rt",
                 "boot_id", "irq_time_accounting", "user_hz", "machine")  # fmt: skip


class Topology(Frozen):
    """online: CPUs; nodes: {node: cpus}; node_of, package_of: {cpu: n}; siblings: {cpu: cpus}; llc: {cpu: cpus sharing
    the last-level cache}."""

    __slots__ = ("online", "possible", "nodes", "node_of", "package_of", "siblings", "llc")


class PciDevice(Frozen):
    """address 0000:00:03.0; driver; node (-1 none); class_code int; msi: interrupt numbers it owns."""

    __slots__ = ("address", "driver", "node", "class_code", "msi", "virtio")


class NetDevice(Frozen):
    """One network device. Queue tables: {queue index: tuple of CPUs}. rings, channels, coalesce: netlink's own names."""

    __slots__ = (
        "name", "driver", "pci_address", "operstate", "speed_mbps", "mtu", "ifindex",
        "rps",  # {rx queue: cpus}
        "rps_flow_cnt",  # {rx queue: int}
        "xps",  # {tx queue: cpus}
        "rx_queues", "tx_queues",  # int: directories under queues/
        "rings",  # {"rx": n, "rx_max": n, "tx": ..., "tx_max": ...}
        "channels",  # {"combined": n, "combined_max": n, "rx": ...}
        "coalesce",  # {"rx_usecs": n, "rx_frames": n, "adaptive_rx": bool, ...}
        "napi",  # tuple of Napi
        "gro_flush_timeout_ns", "napi_defer_hard_irqs", "threaded",
    )  # fmt: skip


class Napi(Frozen):
    """A NAPI instance as the netdev netlink family tells it."""

    __slots__ = ("napi_id", "irq", "pid", "defer_hard_irqs", "gro_flush_timeout_ns", "rx_queues", "tx_queues")


class BlockDevice(Frozen):
    """A disk's hardware queues: queues maps an index to its CPUs; irqs maps an index to its interrupt where known."""

    __slots__ = ("name", "driver", "queues", "scheduler", "pci_address")


class Daemon(Frozen):
    """A running process that moves interrupts. bans: interrupt numbers; banned_cpus: CPUs; interval_s."""

    __slots__ = ("pid", "arguments", "bans", "banned_cpus", "interval_s", "profile")
