"""All rules, and the one call that applies them to a case."""

from tophalf.frozen import Frozen
from tophalf.judge.chain import link
from tophalf.judge.findings import CRITICAL, WARNING
from tophalf.judge.rule import NEEDS
from tophalf.judge.rules import balancer, drops, interrupts, placement, queues, softirqs, system, times

FAMILIES = (interrupts, placement, balancer, softirqs, drops, queues, system, times)
RULES = {rule.id: rule for family in FAMILIES for rule in family.RULES}


class Verdict(Frozen):
    """What was found. findings: linked, worst first. judged: ids. not_judged: {reason: ids}."""

    __slots__ = ("findings", "judged", "not_judged")

    @property
    def alarming(self):
        """Whether any finding is a warning or worse."""
        return any(finding.severity in (CRITICAL, WARNING) for finding in self.findings)


def judge(case, only=None):
    """Apply the rules (all, or the ids in `only`) to a Case. Returns a Verdict."""
    findings, judged, not_judged = [], [], {}
    for rule in RULES.values():
        if only and rule.id not in only:
            continue
        reason = lacking(rule, case)
        if reason is None:
            judged.append(rule.id)
            findings += _say(rule, rule.judge, case)
        else:
            not_judged.setdefault(reason, []).append(rule.id)
            if rule.without and case.whole is not None:
                findings += _say(rule, rule.without, case)
    return Verdict(findings=link(findings, queue_cpus(case)), judged=judged, not_judged=not_judged)


def lacking(rule, case):
    """Why a rule cannot be judged here, or None. "no tracing" comes before what only a trace could lack."""
    needs = (("tracing",) if any(need.endswith("events") for need in rule.needs) else ()) + rule.needs
    return next((NEEDS[need][0] for need in needs if not NEEDS[need][1](case)), None)


def queue_cpus(case):
    """{device: CPUs that its interrupts lead to}, by grouping name and by name for people."""
    cpus = {}
    for view in case.lines:
        for name in {view.source.device, view.source.name}:
            cpus.setdefault(name, set()).update(view.lands_on)
    return cpus


def _say(rule, function, case):
    findings = (finding for finding in function(case) or ())
    return [finding if finding.refute else finding.replace(refute=" ".join(rule.refute.split())) for finding in findings]
