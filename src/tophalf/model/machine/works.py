"""Workqueues of a simulated machine: which workers there are, and the masks that /sys/devices/virtual/workqueue shows.

kernel/workqueue.c wq_sysfs_init, workqueue_sysfs_register (WQ_SYSFS; only unbound workqueues have a mask).
"""

from tophalf.model import fields as f
from tophalf.model.work import workfields as g


def read_workqueues(sight):
    """{"default", "isolated" or workqueue: CPUs}: where unbound work may run. isolated: since 6.7."""
    isolated = set(sight.about.get("isolated", ()))
    everywhere = tuple(range(len(sight.builder.cpus)))
    allowed = tuple(cpu for cpu in everywhere if cpu not in isolated) or everywhere
    found = {"default": allowed}
    if sight[f.G_KERNEL] >= 607:
        found["isolated"] = tuple(sorted(isolated))
    known = sight.builder.workqueues
    for wq, name in known.queues.items() if known else ():
        if sight[wq + g.WQ_FLAGS] & g.WQ_SYSFS and sight[wq + g.WQ_FLAGS] & g.WQ_UNBOUND:
            found[name] = everywhere
    return found


def exists(sight, task):
    """Whether a task is there: workers are made when they are needed."""
    worker = sight[task + f.K_WORKER]
    return worker == 0 or sight[task + f.K_CLASS] != f.KWORKER or sight[worker + g.R_EXISTS] == 1
