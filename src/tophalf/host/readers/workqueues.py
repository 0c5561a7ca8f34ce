"""Where unbound work may run: /sys/devices/virtual/workqueue (kernel/workqueue.c wq_sysfs_init)."""

from tophalf.host.fields import cpu_mask

WORKQUEUE = "/sys/devices/virtual/workqueue"
MASKS = {"cpumask": "default", "cpumask_isolated": "isolated"}  # cpumask_isolated: Linux 6.7, CPUs that isolation took out


def read_workqueues(root):
    """{workqueue: CPUs} of the workqueues that show in sysfs, and "default" and "isolated" for all; None if not recorded."""
    found = {}
    for name in root.listing(WORKQUEUE):
        if name in MASKS:
            key, path = MASKS[name], f"{WORKQUEUE}/{name}"
        elif name in ("power", "uevent", "cpumask_requested"):
            continue
        else:
            key, path = name, f"{WORKQUEUE}/{name}/cpumask"
        cpus = cpu_mask(root, path)
        if cpus is not None:
            found[key] = cpus
    return found or None
