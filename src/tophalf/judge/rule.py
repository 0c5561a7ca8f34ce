"""What a rule is: its id, what it needs to judge, the function that judges, and its documentation."""

from tophalf.frozen import Frozen


class Rule(Frozen):
    """A rule. needs: names of NEEDS, all of which must be there. judge(case): yields findings. without(case): what can be
    said where a need is not met, or None.

    meaning, evidence, threshold, remedy, refute: its documentation, one paragraph each; refute is also said with every
    finding that has no refutation of its own.
    """

    __slots__ = ("id", "needs", "judge", "without", "meaning", "evidence", "threshold", "remedy", "refute")

    def explain(self):
        """The rule's documentation as Markdown."""
        parts = [("Meaning", self.meaning), ("Evidence", self.evidence), ("Threshold", self.threshold),
                 ("Remedy", self.remedy), ("Refuted by", self.refute)]  # fmt: skip
        return "\n".join([f"## {self.id}", "", *(f"- **{name}.** {' '.join(text.split())}" for name, text in parts)])


def _held(field):
    return lambda case: case.whole is not None and getattr(case.whole, field) is not None


def _fact(field):
    return lambda case: case.facts is not None and getattr(case.facts, field) is not None


def _traced(events, field):
    why = f"no {events} events (none happened, or they were not recorded)"
    return why, lambda case: bool(case.timing and getattr(case.timing, field))


# What a rule may need: (how its absence is said, whether a Case holds it)
NEEDS = {
    "rates": ("no two samples of /proc/interrupts", _held("lines")),
    "interrupts": ("no /proc/interrupts", lambda case: case.last is not None and case.last.interrupts is not None),
    "softirqs": ("no two samples of /proc/softirqs", _held("softirqs")),
    "stat": ("no two samples of /proc/stat", _held("cpu_times")),
    "softnet": ("no two samples of /proc/net/softnet_stat", _held("softnet")),
    "threads": ("no CPU time of kernel threads", _held("threads")),
    "ksoftirqd time": (
        "no CPU time of kernel threads and no softirq events",
        lambda case: _held("threads")(case) or bool(case.timing and case.timing.softirq),
    ),
    "udp": ("no two samples of /proc/net/snmp", _held("udp")),
    "nic statistics": ("no statistics of network devices", _held("netdev_stats")),
    "masks": ("no /proc/irq", lambda case: case.masks_after is not None),
    "isolation": ("no kernel command line", lambda case: case.boot is not None and case.boot.cmdline is not None),
    "nodes": (
        "no NUMA topology",
        lambda case: case.topology is not None and case.topology.node_of is not None,
    ),
    "network devices": ("no /sys/class/net", _fact("net")),
    "tracing": ("no tracing", lambda case: case.timing is not None),
    "handler events": _traced("irq_handler", "hardirq"),
    "napi events": _traced("napi_poll", "napi"),
    "softirq events": _traced("softirq", "softirq"),
    "work events": _traced("workqueue", "work"),
}
