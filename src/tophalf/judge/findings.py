"""What a rule has to say: a finding with its evidence, its remedy and its doubt."""

from tophalf.frozen import Frozen
from tophalf.vocab import human_count

CRITICAL, WARNING, INFORMATION = "critical", "warning", "information"
SEVERITIES = (CRITICAL, WARNING, INFORMATION)

# Where a finding stands in the chain interrupt -> NAPI -> softirq -> ksoftirqd -> drop
INTERRUPT, NAPI, SOFTIRQ, KSOFTIRQD, DROP, WORK = 1, 2, 3, 4, 5, 6


class Evidence(Frozen):
    """One observed fact. text: for people. source: the file or event it was read from. counter, moved, seconds: which
    counter moved how much in how long, where the fact is a counter."""

    __slots__ = ("text", "source", "counter", "moved", "seconds")


class Remedy(Frozen):
    """One change. commands: exact, in order. risk, undo: for people, undo a command where one exists."""

    __slots__ = ("commands", "why", "risk", "undo")


class Subject(Frozen):
    """What a finding is about; empty tuples and None where it is not about such a thing."""

    __slots__ = ("irqs", "cpus", "device", "vector", "thread")

    def __init__(self, **values):
        super().__init__(**{"irqs": (), "cpus": (), **values})


class Finding(Frozen):
    """One finding. cost: share of one CPU it takes or the share of packets it loses, for order within a severity.

    stage, step: its place and words in the causal chain. related: tuple of (relation, Finding) that it explains
    ("cause" or "consequence"). chain: the steps as one line, where there is more than one.
    """

    __slots__ = ("rule", "severity", "title", "subject", "evidence", "remedies", "refute", "cost", "stage", "step",
                 "related", "chain")  # fmt: skip

    def __init__(self, **values):
        super().__init__(**{"evidence": (), "remedies": (), "related": (), "cost": 0.0, "subject": Subject(), **values})


def counted(counter, moved, seconds, source, unit=""):
    """Evidence that a counter moved: "33 on CPU0: 486 in 10.0 s (48.6/s)"."""
    rate = f" ({human_count(moved / seconds)}/s)" if seconds > 0 else ""
    text = f"{counter}: {human_count(moved)}{' ' + unit if unit else ''} in {seconds:.3g} s{rate}"
    return Evidence(text=text, source=source, counter=counter, moved=moved, seconds=round(seconds, 6))


def seen(text, source):
    """Evidence that is a state or a measure, not a counter."""
    return Evidence(text=text, source=source)


def severity_of(cost, warning, critical):
    """The severity of a cost against two limits."""
    return CRITICAL if cost >= critical else WARNING if cost >= warning else INFORMATION


def worst_first(findings):
    """Sorted by severity, then cost, then rule name, so that equal input gives equal output."""
    return sorted(findings, key=lambda finding: (SEVERITIES.index(finding.severity), -finding.cost, finding.rule))


def percent(share):
    """A share for people: 92 %, 4.1 %, 0.03 %."""
    value = 100 * share
    return f"{value:.0f} %" if value >= 10 else f"{value:.2g} %"
