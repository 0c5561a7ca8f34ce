"""[machine]: CPUs and kernel."""

from tophalf.scenario.schema import Key, Section
from tophalf.scenario.values import CPUS_MAX

SECTION = Section(
    "machine",
    "CPUs, kernel, how long it runs",
    {
        "cpus": Key("int", 1, "how many CPUs", 1, CPUS_MAX),
        "kernel": Key("text", "6.12", "whose rules are followed", choices=("6.1", "6.12")),
        "hz": Key("int", 250, "ticks a second", choices=(100, 250, 300, 1000)),
        "preempt": Key("text", "voluntary", "CONFIG_PREEMPT_*", choices=("none", "voluntary", "full", "rt")),
        "tick": Key("text", "idle", "idle: stopped on idle CPUs (NO_HZ_IDLE); always; never: as in queueing theory",
                    choices=("idle", "always", "never")),
        "threadirqs": Key("bool", False, "handlers in threads, as on the command line"),
        "nodes": Key("list", (), "CPUs of each NUMA node: [\"0-3\", \"4-7\"]; one node when left out", of="cpus"),
        "cores": Key("list", (), "CPUs of each core: [\"0,4\", \"1,5\"]; a core each when left out", of="cpus"),
        "isolated": Key("cpus", (), "isolcpus=: CPUs that irqbalance keeps free of interrupts and the kernel of unbound work"),
        "managed_irq": Key("cpus", (), "isolcpus=managed_irq,: CPUs that managed interrupts keep off while their mask has another"),
        "irqaffinity": Key("cpus", None, "irqaffinity=: CPUs for interrupts that nobody places; all when left out"),
        "interrupt_remapping": Key("bool", True, "whether lines move at once (IR- chips), or when they next come"),
        "irq_time_accounting": Key("bool", False, "whether /proc/stat times interrupts by the clock, not by ticks"),
        "power_efficient": Key("bool", False, "workqueue.power_efficient: such workqueues are unbound"),
        "worker_creation": Key("duration", 0, "how long kthreadd takes to make a worker; beyond 10 ms rescuers are called"),
        "netdev_budget": Key("int", 300, "packets a run of NET_RX (net.core.netdev_budget)", 1, 1_000_000),
        "netdev_max_backlog": Key("int", 1000, "packets that wait for a CPU that RPS chose (net.core)", 1, 100_000),
        "dev_weight": Key("int", 64, "packets a poll of a backlog (net.core)", 1, 4096),
        "rps_sock_flow_entries": Key("int", 0, "flows whose reader's CPU RFS remembers (net.core); 0: no RFS", 0, 1 << 20),
        "flow_limit_cpu_bitmap": Key("mask", (), "CPUs that limit a single flow when they steer to a full backlog"),
        "seconds": Key("duration", 1_000_000_000, "how long a run lasts when nothing else is said", 1),
    },
)  # fmt: skip
