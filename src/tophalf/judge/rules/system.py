"""CPUs and threads: ipi-storm, vectors-exhausted, irq-thread-busy, irq-time-unseen."""

import re

from tophalf.judge import thresholds as limits
from tophalf.judge.findings import INFORMATION, INTERRUPT, WARNING, Finding, Remedy, Subject, counted, percent, seen, severity_of
from tophalf.judge.rule import Rule
from tophalf.snapshot import STAT_TIMES
from tophalf.vocab import cpu_list, human_count

# By x86's names and, for other architectures, by what the line says of itself (arch/*/kernel/smp.c ipi_types)
_IPIS = (
    ("TLB shootdowns", re.compile(r"^TLB$|TLB shootdown", re.I),
     "processes of many threads that unmap or protect memory: perf trace -e munmap,mprotect,madvise -s -a -- sleep 5",
     "kernel.numa_balancing"),
    ("function calls", re.compile(r"^CAL$|Function call", re.I),
     "who asks other CPUs: bpftrace -e 'kprobe:smp_call_function_many_cond { @[kstack(5)] = count(); }'", None),
    ("reschedules", re.compile(r"^RES$|Rescheduling", re.I),
     "wake-ups across CPUs: perf sched record -a -- sleep 5; perf sched latency", None),
)  # fmt: skip


def judge_ipi(case):
    """One finding a kind of interprocessor interrupt that floods a CPU."""
    for delta in case.arch_lines():
        kind = next((each for each in _IPIS if each[1].search(delta.key) or each[1].search(delta.line.description or "")), None)
        cpu = max(delta.by_cpu, key=delta.by_cpu.get, default=None)
        if kind and cpu is not None and delta.rate_on(cpu) >= limits.IPI_RATE_INFORMATION:
            yield _ipi_finding(case, delta, cpu, *kind)


def _ipi_finding(case, delta, cpu, name, _, find, sysctl):
    rate = delta.rate_on(cpu)
    remedies = [Remedy(commands=(find.partition(": ")[2],), why=find.partition(": ")[0], risk="tracing costs a little", undo=None)]
    balancing = ((case.facts.sysctl if case.facts else None) or {}).get(sysctl) if sysctl else None
    if balancing == 1:
        remedies.append(Remedy(commands=(f"sysctl -w {sysctl}=0",), why="NUMA balancing unmaps pages to see who uses them",
                               risk="memory no longer follows its users", undo=f"sysctl -w {sysctl}=1"))  # fmt: skip
    flooded = sorted(each for each in delta.by_cpu if delta.rate_on(each) >= limits.IPI_RATE_INFORMATION)
    return Finding(
        rule="ipi-storm",
        severity=WARNING if rate >= limits.IPI_RATE_WARNING else INFORMATION,
        title=f"{name} ({delta.key}) interrupt CPU{cpu} {human_count(rate)} times a second",
        subject=Subject(cpus=tuple(flooded)),
        evidence=tuple(
            counted(f"{delta.key} on CPU{each}", delta.by_cpu[each], case.seconds, "/proc/interrupts", "interrupts")
            for each in sorted(flooded, key=lambda each: -delta.by_cpu[each])[:4]
        ),
        remedies=tuple(remedies),
        cost=rate * 2 * limits.INTERRUPT_NS_MIN / 1e9,
        stage=INTERRUPT,
        step=f"{delta.key} {human_count(rate)}/s",
    )


IPI_STORM = Rule(
    id="ipi-storm",
    needs=("rates",),
    judge=judge_ipi,
    meaning="""CPUs interrupt one another: TLB shootdowns, remote function calls, reschedules.""",
    evidence="""The lines TLB, CAL and RES (IPI0… on arm64) by CPU.""",
    threshold=f"""{limits.IPI_RATE_INFORMATION:,}/s on one CPU; a warning from {limits.IPI_RATE_WARNING:,}/s, where they
        take a tenth of it and more.""",
    remedy="""Find the caller; pin chatty tasks together; kernel.numa_balancing=0 where it unmaps pages.""",
    refute="""A busy database or a machine of hundreds of threads wakes and unmaps this much by nature.""",
)

_NO_VECTOR = re.compile(r"no irq vector|no vector|No IRQ available|not enough (?:MSI-?X )?vectors|vector allocation failed", re.I)


def judge_vectors(case):
    """At most one finding: x86 CPUs close to running out of interrupt vectors, or a log that says they did."""
    if not _is_x86(case):
        return
    used = _vectors_used(case)
    complaints = [line.text for line in case.last.log or () if _NO_VECTOR.search(line.text) and "handler for" not in line.text]
    most = max(used, key=used.get, default=None)
    capacity = limits.VECTORS_PER_CPU * max(len(case.online), 1)
    full = most is not None and used[most] >= limits.VECTORS_SHARE * limits.VECTORS_PER_CPU
    if not full and not complaints and sum(used.values()) < limits.VECTORS_SHARE * capacity:
        return
    evidence = [seen(f"estimate: {sum(used.values())} vectors in use of about {capacity}", "/proc/irq/*/effective_affinity")]
    if most is not None:
        evidence.append(seen(f"estimate: CPU{most} holds {used[most]} of about {limits.VECTORS_PER_CPU}",
                             "/proc/irq/*/effective_affinity"))  # fmt: skip
    yield Finding(
        rule="vectors-exhausted",
        severity=WARNING if any(line.text in complaints for line in case.fresh_log()) else INFORMATION,
        title="the kernel ran out of interrupt vectors" if complaints
        else f"interrupt vectors run short (an estimate): CPU{most} holds {used[most]} of about {limits.VECTORS_PER_CPU}",
        subject=Subject(cpus=(most,) if most is not None else ()),
        evidence=(*evidence, *(seen(text, "kernel log") for text in complaints[-3:])),
        remedies=_vector_remedies(case),
        cost=0.0,
        stage=INTERRUPT,
        step="vectors exhausted",
    )  # fmt: skip


def _is_x86(case):
    machine = case.boot.machine if case.boot else None
    if machine:
        return machine in ("x86_64", "i386", "i686", "amd64")
    chips = {line.chip for line in case.last.interrupts.lines.values() if line.chip}
    return any("IO-APIC" in chip or chip.startswith("PCI-MSI") for chip in chips)


def _vectors_used(case):
    """{cpu: vectors}: a line takes one on its effective CPU; a managed line holds one on every CPU of its mask."""
    used = {}
    for irq, files in case.masks_after.items():
        line = case.last.interrupts.lines.get(str(irq))
        if line is None or line.kind != "device" or not line.actions:
            continue
        cpus = files.effective_affinity or ()
        for cpu in cpus[:1]:
            used[cpu] = used.get(cpu, 0) + 1
    return used


def _vector_remedies(case):
    widest = max(case.net.values(), key=lambda device: (device.channels or {}).get("combined") or 0, default=None)
    now = (widest.channels or {}).get("combined") if widest else None
    if not now or now < 2:
        return ()
    return (
        Remedy(
            commands=(f"ethtool -L {widest.name} combined {now // 2}",),
            why=f"{widest.name} holds {now} queue vectors, the most of all network devices",
            risk="the link goes down for a moment; fewer queues",
            undo=f"ethtool -L {widest.name} combined {now}",
        ),
    )


VECTORS_EXHAUSTED = Rule(
    id="vectors-exhausted",
    needs=("interrupts", "masks"),
    judge=judge_vectors,
    meaning="""An x86 CPU has about 200 vectors for devices. Where they are used up, moving a line fails with ENOSPC and
        drivers get fewer queues.""",
    evidence="""Lines by effective CPU; messages of the kernel log. The kernel's own count (the irq matrix in debugfs) is
        seldom readable: this is an estimate and says so.""",
    threshold=f"""{limits.VECTORS_SHARE:.0%} of {limits.VECTORS_PER_CPU} on one CPU or of all; a warning only when the kernel
        log said meanwhile that an allocation failed.""",
    remedy="""Fewer queues (ethtool -L), spread masks over more CPUs.""",
    refute="""/sys/kernel/debug/irq/domains/VECTOR, where debugfs has it, gives the true figures.""",
)


def judge_irq_thread(case):
    """One finding an irq thread that takes a share of a CPU worth naming."""
    lines = {view.irq: view for view in case.lines}
    for thread in case.threads("irq"):
        if thread.share >= limits.THREAD_SHARE_INFORMATION:
            yield _thread_finding(case, thread, lines.get(thread.thread.irq))


def _thread_finding(case, thread, view):
    name = thread.thread.name
    cpu = view.main_cpu if view else thread.thread.cpu
    used = f"{name} used {thread.cpu_ns / 1e9:.3g} s of CPU in {case.seconds:.3g} s"
    evidence = [seen(used, f"/proc/{thread.thread.pid}/schedstat" if thread.thread.pid else "CPU time of threads")]
    if view and view.count:
        evidence.append(counted(view.label, view.count, case.seconds, "/proc/interrupts", "interrupts"))
        evidence.append(seen(f"{thread.cpu_ns / view.count / 1000:.0f} µs of thread time an interrupt", "both"))
    severity = severity_of(thread.share, limits.THREAD_SHARE_WARNING, limits.THREAD_SHARE_CRITICAL)
    return Finding(
        rule="irq-thread-busy",
        severity=severity,
        title=f"{name} takes {percent(thread.share)} of {'CPU' + str(cpu) if cpu is not None else 'a CPU'}",
        subject=Subject(irqs=(thread.thread.irq,), cpus=(cpu,) if cpu is not None else (), thread=name,
                        device=view.source.device if view else None),
        evidence=tuple(evidence),
        remedies=_thread_remedies(case, thread, view, cpu) if severity != INFORMATION else (),
        cost=thread.share,
        stage=INTERRUPT,
        step=f"{name} {percent(thread.share)}",
    )  # fmt: skip


def _thread_remedies(case, thread, view, cpu):
    from tophalf.judge.remedies import idlest, move_lines

    other = idlest(case, but=(cpu,))
    if view is None or not view.movable or other is None:
        return ()
    remedy = move_lines(case, [(view, other)], "the thread follows its line's effective CPU")
    return (remedy,) if remedy else ()


IRQ_THREAD_BUSY = Rule(
    id="irq-thread-busy",
    needs=("threads",),
    judge=judge_irq_thread,
    meaning="""A threaded handler (request_threaded_irq, threadirqs, PREEMPT_RT) takes a share of a CPU. It is
        preemptible, so it delays less than a hardirq would, but at SCHED_FIFO 50 it comes before every ordinary task.""",
    evidence="""CPU time of irq/N-name, interrupts of its line.""",
    threshold=f"""Named from {limits.THREAD_SHARE_INFORMATION:.0%}, a warning from {limits.THREAD_SHARE_WARNING:.0%},
        critical from {limits.THREAD_SHARE_CRITICAL:.0%} of a core.""",
    remedy="""Move the line (the thread follows); lower its priority with chrt where latency of others matters more.""",
    refute="""A thread meant to have that core.""",
)


def judge_time_unseen(case):
    """At most one finding: %irq reads zero because the kernel does not account for it."""
    accounting = case.boot.irq_time_accounting if case.boot else None
    irq = STAT_TIMES.index("irq")
    never = all(len(ticks) > irq and not ticks[irq] for ticks in case.last.stat.ticks.values())
    if accounting is True or not never or not case.whole.lines:
        return
    count = sum(view.count for view in case.lines)
    known = "CONFIG_IRQ_TIME_ACCOUNTING is off" if accounting is False else "the kernel seems not to account for it"
    yield Finding(
        rule="irq-time-unseen",
        severity=INFORMATION,
        title=f"time in hardirqs is not accounted: %irq reads 0 whatever happens ({known})",
        subject=Subject(cpus=()),
        evidence=(
            seen(f"irq column is 0 since boot on CPU {cpu_list(case.last.stat.ticks)}", "/proc/stat"),
            counted("device interrupts meanwhile", count, case.seconds, "/proc/interrupts"),
        ),
        # where events were recorded the handlers are timed already
        remedies=(TIME_BY_EVENTS,) if case.timing is None else (),
        cost=0.0,
        stage=INTERRUPT,
        step=None,
    )


TIME_BY_EVENTS = Remedy(
    commands=("tophalf check --record",),
    why="times handlers by their events instead",
    risk="a few percent of a core while it records; needs root",
    undo=None,
)


IRQ_TIME_UNSEEN = Rule(
    id="irq-time-unseen",
    needs=("rates", "stat"),
    judge=judge_time_unseen,
    meaning="""The kernel samples CPU time at ticks and never in a hardirq, so the irq column of /proc/stat, and %irq of
        every tool that reads it, stays 0. Handlers' time is counted as whatever they interrupted.""",
    evidence="""The irq column of all CPUs since boot; the kernel's configuration where it can be read.""",
    threshold="""Always information.""",
    remedy="""`tophalf check --record` times handlers by events; a kernel with CONFIG_IRQ_TIME_ACCOUNTING accounts.""",
    refute="""A machine that has taken almost no interrupts.""",
)
RULES = (IPI_STORM, VECTORS_EXHAUSTED, IRQ_THREAD_BUSY, IRQ_TIME_UNSEEN)
