"""The recorded machines of tests/data/hosts: what their README asks `check` to say, with and without their trace."""

import os

import pytest

from machines import HOSTS
from tophalf.cli.check import judge_snapshots, time_trace
from tophalf.host.door import open_machine
from tophalf.host.sample import take_snapshots
from tophalf.judge.findings import INFORMATION, SEVERITIES

# case: (rule of the worst finding, its severity, None where any will do), without its trace and with it
WORST = {
    "balanced": ((None, "information"), (None, "information")),
    "idle-6.18": ((None, "information"), (None, "information")),
    "cpu0": (("irq-imbalance", "information"), ("irq-imbalance", "information")),
    "netrx-flood": (("ksoftirqd-busy", "critical"), ("ksoftirqd-busy", "critical")),
    "storm": (("irq-storm", "critical"), ("irq-storm", "critical")),
    "nobody-cared": (("irq-unhandled", "critical"), ("irq-unhandled", "critical")),
    "slow": ((None, "information"), ("irq-slow-handler", "warning")),
    "threadirqs": (("irq-thread-busy", "information"), ("irq-thread-busy", "information")),
    "nvme": (("irq-pinned", "information"), ("irq-pinned", "information")),
    "irqbalance": ((None, "information"), (None, "information")),
}


def trace_of(name):
    return next(path for end in ("dat", "txt.xz") if os.path.exists(path := os.path.join(HOSTS, f"{name}.trace.{end}")))


@pytest.fixture(scope="module")
def verdicts():
    """{(case, with trace): Verdict}, each judged once."""
    found = {}

    def verdict(name, traced):
        if (name, traced) not in found:
            machine = open_machine(os.path.join(HOSTS, f"{name}.tar.xz"), trace_of(name) if traced else None)
            _, found[name, traced] = judge_snapshots(machine, take_snapshots(machine), time_trace(machine))
        return found[name, traced]

    return verdict


def by_rule(verdict, rule):
    return [finding for finding in verdict.findings if finding.rule == rule]


def everything(verdict):
    """All findings, those explained by others too."""
    left = list(verdict.findings)
    while left:
        finding = left.pop()
        yield finding
        left += [member for _, member in finding.related]


@pytest.mark.parametrize("traced", [False, True], ids=["counters", "traced"])
@pytest.mark.parametrize("name", WORST)
def test_worst_finding(verdicts, name, traced):
    rule, severity = WORST[name][traced]
    worst = verdicts(name, traced).findings[0]
    assert worst.severity == severity and (rule is None or rule == worst.rule), [f.title for f in verdicts(name, traced).findings]
    assert verdicts(name, traced).alarming == (severity != INFORMATION)


@pytest.mark.parametrize("traced", [False, True], ids=["counters", "traced"])
@pytest.mark.parametrize("name", WORST)
def test_every_finding_is_whole(verdicts, name, traced):
    for finding in everything(verdicts(name, traced)):
        assert finding.severity in SEVERITIES and finding.title and finding.evidence and finding.refute
        assert all(evidence.text and evidence.source for evidence in finding.evidence)
        assert all(remedy.commands and remedy.why and remedy.risk for remedy in finding.remedies)


@pytest.mark.parametrize("name", ["balanced", "idle-6.18"])
def test_without_tracing_it_says_what_was_not_judged(verdicts, name):
    assert verdicts(name, False).not_judged["no tracing"] == [
        "irq-slow-handler", "softirq-late", "softirq-long", "napi-saturated", "work-hog", "work-late"]  # fmt: skip


def test_outliers_of_a_healthy_machine_are_information(verdicts):
    titles = " ".join(finding.title for finding in verdicts("balanced", True).findings)
    assert "681 µs" in titles and "5.41 ms" in titles


def test_imbalance_at_no_cost_names_lines_cpu_and_where_to_go(verdicts):
    (finding,) = by_rule(verdicts("cpu0", False), "irq-imbalance")
    assert finding.subject.irqs == (33, 35, 37, 39) and finding.subject.cpus == (0,) and finding.cost < 0.01
    assert finding.remedies[0].commands == ("tophalf affinity 35 1", "tophalf affinity 37 2", "tophalf affinity 39 3")
    assert finding.remedies[0].undo == "tophalf affinity 35 0; tophalf affinity 37 0; tophalf affinity 39 0"


@pytest.mark.parametrize("traced", [False, True], ids=["counters", "traced"])
def test_flood_is_one_chain_from_queue_to_ksoftirqd(verdicts, traced):
    worst = verdicts("netrx-flood", traced).findings[0]
    assert worst.subject.vector == "NET_RX" and worst.subject.cpus == (0,) and worst.cost > 0.9
    related = {member.rule: relation for relation, member in worst.related}
    assert related["irq-imbalance"] == "cause" and related["softnet-squeeze"] == "consequence"
    assert (
        worst.chain.index("IRQ 33,35,37,39") < worst.chain.index("NET_RX 78.2k packets/s") < worst.chain.index("ksoftirqd/0 93 %")
    )
    rivals = {finding.rule for finding in verdicts("netrx-flood", traced).findings[1:] if finding.severity != INFORMATION}
    assert not rivals


def test_storm_shows_rate_work_past_and_lost_ticks(verdicts):
    finding = verdicts("storm", False).findings[0]
    said = " ".join(evidence.text for evidence in finding.evidence)
    assert "on CPU1: 146k interrupts in 0.999 s" in said and "40 % of that time is in no column" in said
    assert "median of the other 10 intervals" in said and "some handler claims" in said
    assert finding.subject.irqs == (11,)


@pytest.mark.parametrize("traced", [False, True], ids=["counters", "traced"])
def test_storm_of_an_unhandled_line_is_under_it(verdicts, traced):
    finding = verdicts("nobody-cared", traced).findings[0]
    assert [(relation, member.rule) for relation, member in finding.related] == [("consequence", "irq-storm")]
    said = " ".join(evidence.text for evidence in finding.evidence)
    assert "Disabling IRQ #11" in said and "last_unhandled moved" in said and "e1000_intr [e1000], labirq_hard [labirq]" in said


def test_slow_handler_is_named_by_its_median(verdicts):
    finding = verdicts("slow", True).findings[0]
    assert "863 µs at the median" in finding.title and finding.subject.irqs == (32,)
    assert not [f for f in verdicts("slow", True).findings[1:] if f.severity != INFORMATION]


@pytest.mark.parametrize("traced", [False, True], ids=["counters", "traced"])
def test_a_threaded_handler_is_no_slow_handler(verdicts, traced):
    rules = {finding.rule for finding in everything(verdicts("threadirqs", traced))}
    assert "irq-thread-busy" in rules and not rules & {"irq-slow-handler", "irq-imbalance"}
    (finding,) = by_rule(verdicts("threadirqs", traced), "irq-thread-busy")
    assert "irq/40-labirq takes 15 %" in finding.title


def test_managed_lines_are_likely_never_certain(verdicts):
    (finding,) = by_rule(verdicts("nvme", False), "irq-pinned")
    assert finding.subject.irqs == (33, 34, 35, 36) and all("likely managed" in each.text for each in finding.evidence)


def test_masks_that_changed_are_worth_a_line(verdicts):
    (finding,) = by_rule(verdicts("irqbalance", False), "irqbalance-conflict")
    assert finding.subject.irqs == (33, 35, 40) and "not recorded" in finding.title
