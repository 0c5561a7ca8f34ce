"""From a Root to a Snapshot: which reader fills which field; each is imported only when its field is asked for."""

import importlib

from tophalf.errors import FormatError
from tophalf.snapshot import Facts, Snapshot

# field: (module in tophalf.host, function). A reader takes a Root and returns the field's value, or None.
READERS = {
    "interrupts": ("readers.interrupts", "read_interrupts"),
    "softirqs": ("readers.softirqs", "read_softirqs"),
    "stat": ("readers.stat", "read_stat"),
    "softnet": ("readers.softnet", "read_softnet"),
    "irq_files": ("readers.irqs", "read_irq_files"),
    "fixed": ("steer.fixed", "read_fixed"),
    "default_affinity": ("readers.irqs", "read_default_affinity"),
    "threads": ("readers.threads", "read_threads"),
    "udp": ("readers.snmp", "read_udp"),
    "netdev_stats": ("readers.nicstats", "read_netdev_stats"),
    "log": ("readers.kmsg", "read_log"),
}
FACT_READERS = {
    "boot": ("readers.boot", "read_boot"),
    "topology": ("readers.topology", "read_topology"),
    "pci": ("readers.pci", "read_pci"),
    "net": ("readers.net", "read_net"),
    "block": ("readers.block", "read_block"),
    "workqueues": ("readers.workqueues", "read_workqueues"),
    "daemons": ("readers.daemons", "read_daemons"),
    "sysctl": ("readers.sysctl", "read_sysctl"),
}
ALL = tuple(READERS)
ALL_FACTS = tuple(FACT_READERS)


def read_snapshot(root, time_ns, fields=ALL, facts=None):
    """Read the named fields of one moment. facts: a Facts read earlier, kept as it is."""
    values = {field: _read(root, *READERS[field]) for field in fields}
    return Snapshot(time_ns=time_ns, facts=facts, missing=dict(root.missing), **values)


def read_facts(root, fields=ALL_FACTS):
    """Read what does not change from sample to sample, once a command."""
    return Facts(**{field: _read(root, *FACT_READERS[field]) for field in fields})


def _read(root, module, function):
    """One field; a file that is not what its name promises costs that field only, and is noted in root.missing."""
    try:
        return getattr(importlib.import_module(f"tophalf.host.{module}"), function)(root)
    except FormatError as error:
        root.missing[error.where or module] = error.what
        return None
