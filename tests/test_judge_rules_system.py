"""Each rule about CPUs, threads and event times fires on a changed machine or trace, and is silent where it must be."""

import pytest

from machines import Machine
from tophalf import vocab
from tophalf.judge import thresholds as limits
from tophalf.judge.case import Case
from tophalf.judge.registry import RULES, judge
from tophalf.snapshot import LogLine

np = pytest.importorskip("numpy")
US, MS = 1000, 1_000_000


def alone(findings):
    assert len(findings) == 1, [finding.title for finding in findings]
    return findings[0]


# --- ipi-storm


def test_tlb_shootdowns_by_the_hundred_thousand():
    machine = Machine().line("TLB", "", {2: 150_000}, kind="ipi", description="TLB shootdowns", chip=None)
    finding = alone(machine.facts(sysctl={"kernel.numa_balancing": 1}).findings("ipi-storm"))
    assert finding.severity == "warning" and finding.subject.cpus == (2,)
    assert finding.remedies[-1].commands == ("sysctl -w kernel.numa_balancing=0",)


def test_arm_names_its_ipis_otherwise():
    machine = Machine().line("IPI0", "", {1: 30_000}, kind="ipi", description="Rescheduling interrupts", chip=None)
    assert alone(machine.findings("ipi-storm")).severity == "information"


def test_timer_ticks_and_a_few_ipis_are_no_storm():
    assert not Machine().line("LOC", "", {1: 150_000}, kind="timer", description="Local timer interrupts").findings("ipi-storm")
    assert not Machine().findings("ipi-storm")


# --- vectors-exhausted


def _many_lines(machine, count, cpu=0):
    for irq in range(200, 200 + count):
        machine.line(irq, f"eth{irq}-TxRx-0", {}, mask=(cpu,), effective=(cpu,))
    return machine


def test_vectors_of_one_cpu_running_short_is_an_estimate_and_says_so():
    finding = alone(_many_lines(Machine(samples=2), 170).findings("vectors-exhausted"))
    assert finding.severity == "information" and "estimate" in finding.title


def test_a_log_that_says_so_is_a_warning_and_a_stray_vector_is_not():
    log = LogLine(time_us=1, text="mlx5_core 0000:3b:00.0: not enough MSI-X vectors")
    assert alone(Machine().log(log).findings("vectors-exhausted")).severity == "warning"
    stray = LogLine(time_us=1, text="__common_interrupt: 1.55 No irq handler for vector")
    assert not Machine().log(stray).findings("vectors-exhausted")


def test_few_vectors_or_no_x86():
    assert not Machine().findings("vectors-exhausted")
    assert not _many_lines(Machine(samples=2), 170).boot(machine="aarch64").findings("vectors-exhausted")


# --- irq-thread-busy


@pytest.mark.parametrize(("share", "severity"), [(0.06, "information"), (0.6, "warning"), (0.95, "critical")])
def test_an_irq_thread_by_its_share(share, severity):
    machine = Machine().line(50, "labirq", {2: 300}, mask=(2,)).thread("irq/50-labirq", "irq", share, cpu=2, irq=50)
    finding = alone(machine.findings("irq-thread-busy"))
    assert finding.severity == severity and "CPU2" in finding.title
    assert bool(finding.remedies) == (severity != "information")


def test_an_idle_irq_thread_is_not_named():
    assert not Machine().thread("irq/50-labirq", "irq", 0.01, cpu=2, irq=50).findings("irq-thread-busy")


# --- irq-time-unseen


def test_accounting_that_is_off_and_accounting_that_is_on():
    assert alone(Machine().boot(irq_time_accounting=False).findings("irq-time-unseen")).severity == "information"
    assert not Machine().boot(irq_time_accounting=True).findings("irq-time-unseen")
    assert not Machine().times(1, irq=0.01).findings("irq-time-unseen")


# --- times, from events


class Trace:
    """Events written by hand; every method adds one span of one CPU."""

    def __init__(self):
        self.rows = []

    def add(self, time_ns, kind, cpu=0, pid=0, a=0, b=0, c=0, name=-1, flags=0):
        self.rows.append((time_ns, cpu, kind, pid, flags, 0, a, b, c, name))

    def handler(self, time_ns, run_ns, irq=50):
        self.add(time_ns, vocab.IRQ_HANDLER_ENTRY, a=irq, name=0, flags=vocab.FLAG_HARDIRQ)
        self.add(time_ns + run_ns, vocab.IRQ_HANDLER_EXIT, a=irq, b=1, flags=vocab.FLAG_HARDIRQ)
        return self

    def softirq(self, time_ns, wait_ns, run_ns, vector=vocab.NET_RX):
        self.add(time_ns, vocab.SOFTIRQ_RAISE, a=vector)
        self.add(time_ns + wait_ns, vocab.SOFTIRQ_ENTRY, a=vector, flags=vocab.FLAG_SOFTIRQ)
        self.add(time_ns + wait_ns + run_ns, vocab.SOFTIRQ_EXIT, a=vector, flags=vocab.FLAG_SOFTIRQ)
        return self

    def work(self, time_ns, wait_ns, run_ns, inside_ns=0):
        """A work item of kworker 9; a softirq of inside_ns runs within it."""
        self.add(time_ns, vocab.WORKQUEUE_QUEUE_WORK, pid=1, a=0x10, b=0xABC, c=0, name=1)
        start = time_ns + wait_ns
        self.add(start - 1, vocab.SCHED_SWITCH, pid=0, a=9)
        self.add(start, vocab.WORKQUEUE_EXECUTE_START, pid=9, a=0x10, b=0xABC)
        if inside_ns:
            self.add(start + US, vocab.SOFTIRQ_ENTRY, pid=9, a=vocab.RCU, flags=vocab.FLAG_SOFTIRQ)
            self.add(start + US + inside_ns, vocab.SOFTIRQ_EXIT, pid=9, a=vocab.RCU, flags=vocab.FLAG_SOFTIRQ)
        self.add(start + run_ns, vocab.WORKQUEUE_EXECUTE_END, pid=9, a=0x10, b=0xABC)
        self.add(start + run_ns + 1, vocab.SCHED_SWITCH, pid=9, a=0)
        return self

    def poll(self, time_ns, work, budget=64):
        self.add(time_ns, vocab.NAPI_POLL, a=0x77, b=work, c=budget, name=2)
        return self

    def timing(self):
        from tophalf.events import COLUMNS, make_table
        from tophalf.judge.times.timing import time_events

        rows = sorted(self.rows, key=lambda row: row[0])
        columns = {name: [row[at] for row in rows] for at, (name, _) in enumerate(COLUMNS)}
        return time_events(make_table(columns, strings=["labirq", "events", "eth8"], tasks={}, cpus=(0,), clock="mono"))

    def findings(self, rule):
        verdict = judge(Case(None, self.timing()), {rule})
        assert rule in verdict.judged, verdict.not_judged
        return list(verdict.findings)


def repeated(add, count, period_ns=20 * MS):
    trace = Trace()
    for number in range(count):
        add(trace, number * period_ns)
    return trace


@pytest.mark.parametrize(("run_ns", "severity"), [(150 * US, "warning"), (6 * MS, "critical")])
def test_a_handler_slow_at_its_median(run_ns, severity):
    trace = repeated(lambda trace, at: trace.handler(at, run_ns), 30)
    assert alone(trace.findings("irq-slow-handler")).severity == severity


def test_slow_calls_are_information_when_they_are_few_or_single():
    few = repeated(lambda trace, at: trace.handler(at, 700 * US), limits.CALLS_MIN - 1, period_ns=100 * MS)
    assert alone(few.findings("irq-slow-handler")).severity == "information"
    single = repeated(lambda trace, at: trace.handler(at, 10 * US), 50).handler(2000 * MS, 20 * MS)
    assert alone(single.findings("irq-slow-handler")).severity == "information"


def test_a_share_of_the_cpu_is_a_warning_whatever_the_number_of_calls():
    assert alone(repeated(lambda trace, at: trace.handler(at, 8 * MS), 5).findings("irq-slow-handler")).severity == "warning"


def test_quick_handlers_are_silent():
    assert not repeated(lambda trace, at: trace.handler(at, 60 * US), 200).findings("irq-slow-handler")


def test_softirqs_that_wait_and_softirqs_that_run_long():
    late = repeated(lambda trace, at: trace.softirq(at, 2 * MS, 50 * US), 30)
    assert alone(late.findings("softirq-late")).severity == "warning" and not late.findings("softirq-long")
    long = repeated(lambda trace, at: trace.softirq(at, 5 * US, 3 * MS), 30)
    assert alone(long.findings("softirq-long")).severity == "warning" and not long.findings("softirq-late")


def test_single_long_softirqs_are_information():
    trace = repeated(lambda trace, at: trace.softirq(at, 5 * US, 50 * US), 30).softirq(5000 * MS, 30 * MS, 9 * MS)
    assert alone(trace.findings("softirq-late")).severity == "information"
    assert alone(trace.findings("softirq-long")).severity == "information"


def test_polls_at_full_weight():
    full = repeated(lambda trace, at: trace.poll(at, 64), 40)
    finding = alone(full.findings("napi-saturated"))
    assert finding.severity == "information" and "100 %" in finding.title
    assert not repeated(lambda trace, at: trace.poll(at, 30), 40).findings("napi-saturated")
    assert not repeated(lambda trace, at: trace.poll(at, 64), 5).findings("napi-saturated")


def test_a_hog_by_its_own_time():
    trace = repeated(lambda trace, at: trace.work(at, 5 * US, 12 * MS), 25, period_ns=300 * MS)
    assert alone(trace.findings("work-hog")).severity == "warning"


def test_work_that_was_merely_interrupted_is_no_hog():
    """20.9 ms from start to end, 20.88 ms of it softirqs of others."""
    trace = repeated(lambda trace, at: trace.work(at, 5 * US, 20_900 * US, inside_ns=20_880 * US), 25, period_ns=300 * MS)
    assert not trace.findings("work-hog")


def test_one_long_work_item_is_information_and_the_kernels_own_word_counts_without_events():
    trace = repeated(lambda trace, at: trace.work(at, 5 * US, 50 * US), 25).work(9000 * MS, 5 * US, 15 * MS)
    assert alone(trace.findings("work-hog")).severity == "information"
    log = LogLine(time_us=1, text="workqueue: drm_fb_helper_damage_work hogged CPU for >10000us 16 times, consider switching")
    verdict = Machine().log(log).verdict("work-hog")
    assert alone(list(verdict.findings)).severity == "information" and "work-hog" in verdict.not_judged["no tracing"]


def test_a_share_made_of_short_work_is_no_hog():
    assert not repeated(lambda trace, at: trace.work(at, 5 * US, 4 * MS), 100).findings("work-hog")


def test_work_that_waits():
    late = repeated(lambda trace, at: trace.work(at, 15 * MS, 50 * US), 25, period_ns=300 * MS)
    assert alone(late.findings("work-late")).severity == "warning"
    assert not repeated(lambda trace, at: trace.work(at, 50 * US, 50 * US), 25).findings("work-late")


# --- the registry


def test_all_rules_of_the_issue_are_there():
    assert set(RULES) == {
        "irq-storm", "irq-unhandled", "irq-slow-handler", "irq-imbalance", "irq-affinity-ignored", "irq-pinned",
        "irqbalance-conflict", "irq-on-isolated-cpu", "irq-remote-node", "ksoftirqd-busy", "softirq-dominant", "softirq-late",
        "softirq-long", "nic-drop", "softnet-drop", "socket-drop", "softnet-squeeze", "napi-saturated", "no-coalescing",
        "queues-unused", "rps-missing", "rps-harmful", "ipi-storm", "vectors-exhausted", "work-hog", "work-late",
        "irq-thread-busy", "irq-time-unseen",
    }  # fmt: skip


def test_a_bare_trace_is_judged_by_times_alone():
    verdict = judge(Case(None, repeated(lambda trace, at: trace.handler(at, 150 * US), 30).timing()))
    assert [finding.rule for finding in verdict.findings] == ["irq-slow-handler"]
    assert "irq-storm" in verdict.not_judged["no two samples of /proc/interrupts"]


def test_one_sample_has_no_rates_and_says_so():
    verdict = Machine(samples=1).verdict()
    assert not verdict.findings and "irq-imbalance" in verdict.not_judged["no two samples of /proc/interrupts"]
