"""From a Root to a Snapshot: which reader fills which field; each is imported only when its field is asked for."""

import importlib

from tophalf.errors import FormatError
from tophalf.snapshot import Facts, Snapshot

# field: (module in tophalf.host, function). A reader takes a Root and returns the field's value, or None.
READERS = {
    "interrupts": ("interrupts", "read_interrupts"),
    "softirqs": ("softirqs", "read_softirqs"),
    "stat": ("stat", "read_stat"),
    "softnet": ("softnet", "read_softnet"),
    "irq_files": ("irqs", "read_irq_files"),
    "fixed": ("fixed", "read_fixed"),
    "default_affinity": ("irqs", "read_default_affinity"),
    "threads": ("threads", "read_threads"),
    "udp": ("snmp", "read_udp"),
    "netdev_stats": ("nicstats", "read_netdev_stats"),
    "log": ("kmsg", "read_log"),
}
FACT_READERS = {
    "boot": ("boot", "read_boot"),
    "topology": ("topology", "read_topology"),
    "pci": ("pci", "read_pci"),
    "net": ("net", "read_net"),
    "block": ("block", "read_block"),
    "workqueues": ("workqueues", "read_workqueues"),
    "daemons": ("daemons", "read_daemons"),
    "sysctl": ("sysctl", "read_sysctl"),
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
