"""[[workqueue]]: a workqueue of a driver's own, as alloc_workqueue makes it."""

from tophalf.scenario.schema import REQUIRED, Key, Section

# include/linux/workqueue.h; ordered is alloc_ordered_workqueue
FLAGS = (
    "unbound", "freezable", "mem_reclaim", "highpri", "cpu_intensive", "bh", "sysfs", "ordered", "power_efficient", "percpu",
)  # fmt: skip
SCOPES = ("default", "cpu", "smt", "cache", "numa", "system")

SECTION = Section(
    "workqueue",
    "a workqueue of a driver's own; the kernel's have the names of their variables (system_wq, ...)",
    {
        "name": Key("name", REQUIRED, "its name"),
        "flags": Key("list", (), "WQ_*; without unbound its items run on the CPU that queues them", choices=FLAGS, of="text"),
        "max_active": Key("int", 0, "items that may be active a CPU, or a machine if it is unbound; 0: the default", 0, 512),
        "affinity_scope": Key("text", "default", "unbound: CPUs that share workers", choices=SCOPES),
    },
    many=True,
)
