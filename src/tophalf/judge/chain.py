"""From findings that stand side by side to one finding with its causes and consequences.

interrupt -> NAPI -> softirq -> ksoftirqd -> drop. A finding joins another only where data connects them: the same line,
the same CPU with the same vector, or a device whose queues lead to that CPU.
"""

from tophalf.judge.findings import INFORMATION, SEVERITIES, worst_first
from tophalf.judge.softirqtime import CLOCK_VECTORS
from tophalf.judge.thresholds import IMBALANCE_COST_WARNING

# Rules whose findings may head a chain, in the order in which they claim the others. A line that misbehaves comes before
# the load it makes; a ksoftirqd that works off packets before the layout that made it so, which is its cause.
HEADS = (
    "irq-unhandled", "irq-storm", "ksoftirqd-busy", "irq-slow-handler", "rps-harmful", "rps-missing", "irq-imbalance",
    "queues-unused", "no-coalescing", "softirq-dominant", "napi-saturated", "softirq-long", "work-hog", "softnet-drop",
    "irq-thread-busy",
)  # fmt: skip

_NET_LOAD = ("irq-imbalance", "queues-unused", "rps-missing", "rps-harmful", "no-coalescing", "irq-remote-node")
_NET_EFFECT = ("softnet-squeeze", "napi-saturated", "softirq-dominant", "softirq-long", "softirq-late", "softnet-drop",
               "nic-drop", "socket-drop")  # fmt: skip

_LOSSES = ("nic-drop", "softnet-drop", "softnet-squeeze", "socket-drop")
_LAYOUTS = ("irq-imbalance", "queues-unused", "rps-missing", "no-coalescing")

# {head: {member rule: how the member relates to the head}}
LINKS = {
    "irq-unhandled": dict.fromkeys(("irq-storm", "irq-slow-handler"), "consequence"),
    "irq-storm": dict.fromkeys(("irq-slow-handler", "ksoftirqd-busy", "softirq-late", "irq-thread-busy"), "consequence"),
    "ksoftirqd-busy": {**dict.fromkeys(_NET_LOAD, "cause"), **dict.fromkeys(_NET_EFFECT, "consequence")},
    "irq-slow-handler": dict.fromkeys(("softirq-late", "softnet-squeeze"), "consequence"),
    "rps-harmful": dict.fromkeys(_NET_EFFECT, "consequence"),
    "rps-missing": dict.fromkeys(_NET_EFFECT, "consequence"),
    "irq-imbalance": {"queues-unused": "cause", "no-coalescing": "cause", **dict.fromkeys(_NET_EFFECT, "consequence")},
    "queues-unused": dict.fromkeys(_NET_EFFECT, "consequence"),
    "no-coalescing": dict.fromkeys(("softirq-dominant", "softnet-squeeze"), "consequence"),
    "softirq-dominant": dict.fromkeys(tuple(rule for rule in _NET_EFFECT if rule != "softirq-dominant"), "consequence"),
    "napi-saturated": dict.fromkeys(("softnet-squeeze", "softirq-long", "softirq-late", "nic-drop"), "consequence"),
    "softirq-long": {"softirq-late": "consequence", "softnet-squeeze": "consequence"},
    "work-hog": {"work-late": "consequence"},
    "softnet-drop": {"socket-drop": "consequence"},
    "irq-thread-busy": {"softirq-late": "consequence"},
}


def link(findings, cpu_of=None):
    """Findings with those that others explain put under them, worst first.

    cpu_of: {device: CPUs its queues lead to}, for findings about a device alone.
    """
    left = _without_twins(findings)
    for rule in HEADS:
        for head in [finding for finding in left if finding.rule == rule]:
            if not any(head is each for each in left):
                continue  # claimed by another head of the same rule
            members = [each for each in left if each is not head and _joins(head, each, cpu_of or {})]
            left = [each for each in left if not any(each is member for member in members)]
            left[next(at for at, each in enumerate(left) if each is head)] = _with_members(head, members)
    return worst_first(left)


def _without_twins(findings):
    """Queues stacked on a CPU are not said twice where irq-imbalance already names those lines."""
    told = {irq for finding in findings if finding.rule == "irq-imbalance" for irq in finding.subject.irqs}
    return [
        each for each in findings if each.rule != "queues-unused" or not set(each.subject.irqs) <= told or not each.subject.cpus
    ]


def _joins(head, member, cpu_of):
    if member.rule not in LINKS[head.rule] or not member.step and member.severity == INFORMATION:
        return False
    one, other = head.subject, member.subject
    if one.irqs and other.irqs and set(one.irqs) & set(other.irqs):
        return True
    if member.rule == "work-late":
        return True
    if one.vector and other.vector and one.vector != other.vector:
        return False
    if LINKS[head.rule][member.rule] == "cause" and one.vector in CLOCK_VECTORS:
        return False  # where interrupts land does not make timers, callbacks or balancing
    if member.rule in _LOSSES and head.rule in _LAYOUTS and head.cost < IMBALANCE_COST_WARNING:
        return False  # lost although the CPU had time: not because of where its interrupts land
    cpus = set(other.cpus) or set(cpu_of.get(other.device, ()))
    return bool(cpus & (set(one.cpus) or set(cpu_of.get(one.device, ()))))


def _with_members(head, members):
    """The head with its members; as severe as its worst member that is a consequence, for their cost is its cost."""
    if not members:
        return head
    relations = LINKS[head.rule]
    related = (*head.related, *((relations[member.rule], member) for member in members))
    severities = [head.severity, *(member.severity for relation, member in related if relation == "consequence")]
    worst = min(severities, key=SEVERITIES.index)
    cost = max([head.cost, *(member.cost for relation, member in related if relation == "consequence")])
    return head.replace(related=related, severity=worst, cost=cost, chain=chain_text(head, related))


def chain_text(head, related):
    """The steps of a finding and its members in the order of their stages, joined by arrows; None for a single step."""
    every = [head]
    queue = [member for _, member in related]
    while queue:
        member = queue.pop(0)
        every.append(member)
        queue.extend(each for _, each in member.related)
    ordered = sorted((each for each in every if each.step), key=lambda each: (each.stage, each.rule))
    steps = list(dict.fromkeys(each.step for each in ordered))
    return " → ".join(steps) if len(steps) > 1 else None
