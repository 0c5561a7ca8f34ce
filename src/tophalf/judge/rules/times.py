"""Times from events: irq-slow-handler, softirq-late, softirq-long, napi-saturated, work-hog, work-late."""

import re

from tophalf.judge import thresholds as limits
from tophalf.judge.findings import (
    CRITICAL,
    INFORMATION,
    INTERRUPT,
    NAPI,
    SOFTIRQ,
    WARNING,
    WORK,
    Finding,
    Remedy,
    Subject,
    percent,
    seen,
)
from tophalf.judge.rule import Rule
from tophalf.vocab import NAPI_POLL, WORKQUEUE_EXECUTE_START, human_count, human_ns

_LOOK = Remedy(
    commands=("tophalf record /tmp/slow.tophalf --seconds 10", "tophalf trace /tmp/slow.tophalf --threshold 100us"),
    why="lists each slow call as it happened",
    risk="ten seconds of tracing",
    undo="rm /tmp/slow.tophalf",
)


def said(times):
    """median 864 µs, p99 1.2 ms, max 14 ms over 1,130 calls."""
    return (
        f"median {human_ns(times.p50)}, p99 {human_ns(times.p99)}, max {human_ns(times.max)} over {human_count(times.count)} calls"
    )


def outliers(rule, times, limit_ns, what, source, stage):
    """One information finding for single slow times. times: [(name, Times)]; nothing when none is over the limit."""
    over = sorted(((name, each) for name, each in times if each.count and each.max >= limit_ns), key=lambda pair: -pair[1].max)
    if over:
        name, worst = over[0]
        more = f", and {len(over) - 1} more had single ones" if len(over) > 1 else ""
        yield Finding(
            rule=rule,
            severity=INFORMATION,
            title=f"{name}: one {what} of {human_ns(worst.max)}, though its median is {human_ns(worst.p50)}{more}",
            evidence=tuple(seen(f"{each}: {said(times)}", source) for each, times in over[:4]),
            cost=0.0,
            stage=stage,
        )


def judge_handler(case):
    """One finding an action whose handler is slow as a rule, and one for single slow calls."""
    span_ns, single = case.timing.span_ns, []
    for line in case.timing.hardirq:
        for action in line.by_action:
            run, share = action.run, action.run.share(span_ns)
            slow = run.p50 is not None and run.count >= limits.CALLS_MIN and run.p50 >= limits.HANDLER_NS
            if slow or (run.count and share >= limits.COST_WARNING and run.mean >= limits.HANDLER_NS):
                yield _handler_finding(case, line, action, share)
            else:
                single.append((f"IRQ {line.irq} {action.action}", run))
    yield from outliers("irq-slow-handler", single, limits.HANDLER_OUTLIER_NS, "handler call", _HANDLER_SOURCE, INTERRUPT)


_HANDLER_SOURCE = "irq_handler_entry, irq_handler_exit"


def _handler_finding(case, line, action, share):
    often = action.run.count >= limits.CALLS_MIN
    critical = share >= limits.HANDLER_SHARE_CRITICAL or (often and action.run.p50 >= limits.HANDLER_NS_CRITICAL)
    view = next((view for view in case.lines if view.irq == line.irq), None)
    rate = action.count * 1e9 / case.timing.span_ns
    name = f"IRQ {line.irq} {action.action}"
    return Finding(
        rule="irq-slow-handler",
        severity=CRITICAL if critical else WARNING,
        title=f"{name}: its handler keeps interrupts off for {human_ns(action.run.p50)} at the median, "
        f"{human_count(rate)} times a second",
        subject=Subject(irqs=(line.irq,), cpus=tuple(view.by_cpu) if view else (), device=view.source.device if view else None),
        evidence=(
            seen(f"{name}: {said(action.run)}", _HANDLER_SOURCE),
            seen(f"{percent(share)} of one CPU in this handler ({human_ns(action.run.total)} in {human_ns(case.timing.span_ns)})",
                 _HANDLER_SOURCE),
        ),
        remedies=_handler_remedies(case, view),
        cost=max(share, action.run.p50 / 1e9),
        stage=INTERRUPT,
        step=f"{name} handler {human_ns(action.run.p50)}",
    )  # fmt: skip


def _handler_remedies(case, view):
    from tophalf.judge.remedies import idlest, move_lines

    threaded = Remedy(
        commands=("# boot with threadirqs",),
        why="forces handlers into threads, where they can be preempted; the lasting cure is a driver that defers its work",
        risk="more context switches for every interrupt",
        undo="take threadirqs off the command line",
    )
    other = idlest(case, but=view.lands_on) if view and view.movable else None
    moved = move_lines(case, [(view, other)], "away from what needs that CPU") if other is not None else None
    return tuple(remedy for remedy in (moved, threaded, _LOOK) if remedy)


IRQ_SLOW_HANDLER = Rule(
    id="irq-slow-handler",
    needs=("handler events",),
    judge=judge_handler,
    meaning="""A hardirq handler runs long. Interrupts are off on its CPU all that time: ticks, other devices and softirqs
        wait.""",
    evidence="""Entry and exit of each call in a trace, by action (a shared line's handlers run one after another).""",
    threshold=f"""A median over {limits.HANDLER_NS // 1000} µs in at least {limits.CALLS_MIN} calls, or
        {limits.COST_WARNING:.0%} of a CPU at such a mean: a warning. Critical at a median of
        {limits.HANDLER_NS_CRITICAL // 10**6} ms or {limits.HANDLER_SHARE_CRITICAL:.0%} of a CPU. Single calls
        over {limits.HANDLER_OUTLIER_NS // 1000} µs are information.""",
    remedy="""A driver that defers its work; threadirqs; moving the line to a CPU where it harms least.""",
    refute="""A guest whose CPU was taken away in the middle of handlers (steal time); tracing other events from inside the
        handler.""",
)


def judge_late(case):
    """One finding a vector that waits long as a rule, and one for single long waits."""
    single = []
    for vector in case.timing.softirq:
        wait = vector.wait
        if wait.count >= limits.CALLS_MIN and wait.p50 >= limits.SOFTIRQ_WAIT_NS:
            thread = vector.ksoftirqd.count / vector.count
            yield Finding(
                rule="softirq-late",
                severity=WARNING,
                title=f"{vector.name} softirqs wait {human_ns(wait.p50)} at the median from raise to entry",
                subject=Subject(vector=vector.name, cpus=_vector_cpus(case, vector.vec)),
                evidence=(
                    seen(f"{vector.name} wait: {said(wait)}", "softirq_raise, softirq_entry"),
                    seen(f"{percent(thread)} of its runs were in ksoftirqd", "softirq_entry"),
                ),
                remedies=(_LOOK,),
                cost=min(1.0, wait.p50 / 1e8),
                stage=SOFTIRQ,
                step=f"{vector.name} waits {human_ns(wait.p50)}",
            )
        else:
            single.append((vector.name, wait))
    yield from outliers("softirq-late", single, 10 * limits.SOFTIRQ_WAIT_NS, "wait", "softirq_raise, softirq_entry", SOFTIRQ)


def _vector_cpus(case, vec):
    """CPUs that spent most of a vector's own time, the busiest first, at most four."""
    from tophalf.judge.softirqtime import vector_times

    times = {cpu: vectors.get(vec, 0) for cpu, vectors in vector_times(case).items()}
    return tuple(cpu for cpu in sorted(times, key=lambda cpu: -times[cpu])[:4] if times[cpu] >= max(times.values()) / 4)


SOFTIRQ_LATE = Rule(
    id="softirq-late",
    needs=("softirq events",),
    judge=judge_late,
    meaning="""A raised softirq waits long until it runs: behind long handlers, longer softirqs, sections with bottom halves
        off, or in ksoftirqd behind tasks.""",
    evidence="""Time from softirq_raise to softirq_entry by vector; raises coalesce, so the first of a pass counts.""",
    threshold=f"""A median over {limits.SOFTIRQ_WAIT_NS // 10**6} ms in at least {limits.CALLS_MIN} waits: a warning. Single
        waits of ten times that are information.""",
    remedy="""Look at what ran in between; ksoftirqd-busy and irq-slow-handler are the usual causes.""",
    refute="""A guest whose CPU was taken away meanwhile.""",
)


def judge_long(case):
    """One finding a vector whose runs are long as a rule, and one for single long runs."""
    single = []
    for vector in case.timing.softirq:
        own, share = vector.own, vector.own.share(case.timing.span_ns)
        if own.count >= limits.CALLS_MIN and own.p50 >= limits.SOFTIRQ_RUN_NS:
            yield Finding(
                rule="softirq-long",
                severity=WARNING,
                title=f"{vector.name} runs for {human_ns(own.p50)} at the median; everything else on the CPU waits",
                subject=Subject(vector=vector.name, cpus=_vector_cpus(case, vector.vec)),
                evidence=(
                    seen(f"{vector.name} run (own time): {said(own)}", "softirq_entry, softirq_exit"),
                    seen(f"{percent(share)} of one CPU", "softirq_entry, softirq_exit"),
                ),
                remedies=(_LOOK,),
                cost=min(1.0, share),
                stage=SOFTIRQ,
                step=f"{vector.name} runs {human_ns(own.p50)}",
            )
        else:
            single.append((vector.name, own))
    yield from outliers("softirq-long", single, limits.SOFTIRQ_RUN_NS, "run", "softirq_entry, softirq_exit", SOFTIRQ)


SOFTIRQ_LONG = Rule(
    id="softirq-long",
    needs=("softirq events",),
    judge=judge_long,
    meaning="""One softirq run takes longer than the kernel means a whole round of them to take. The limit is tested between
        passes only, so a single run is unbounded.""",
    evidence="""Own time between softirq_entry and softirq_exit, without the interrupts that came in between.""",
    threshold=f"""A median over {limits.SOFTIRQ_RUN_NS // 10**6} ms in at least {limits.CALLS_MIN} runs: a warning. Single
        runs over it are information.""",
    remedy="""For NET_RX a smaller netdev_budget and more queues; for others `tophalf trace` names the functions.""",
    refute="""A guest whose CPU was taken away meanwhile.""",
)


def judge_saturated(case):
    """One finding a device and CPU whose NAPI instances mostly use their whole weight."""
    full = {}
    for napi in case.timing.napi:
        if napi.polls >= limits.CALLS_MIN and napi.full_polls >= limits.NAPI_FULL_SHARE * napi.polls:
            full.setdefault((napi.dev_name, _napi_cpu(case, napi)), []).append(napi)
    for (name, cpu), instances in full.items():
        yield _saturated_finding(case, name, cpu, instances)


def _saturated_finding(case, name, cpu, instances):
    polls, whole = sum(napi.polls for napi in instances), sum(napi.full_polls for napi in instances)
    rate = sum(napi.packets for napi in instances) * 1e9 / case.timing.span_ns
    cost = case.interrupt_share(cpu)
    return Finding(
        rule="napi-saturated",
        severity=WARNING if cost >= limits.DOMINANT_COST_WARNING else INFORMATION,
        title=f"{name}: {percent(whole / polls)} of the polls of {len(instances)} NAPI instance{'s' * (len(instances) > 1)} "
        f"on CPU{cpu} take the whole weight",
        subject=Subject(cpus=(cpu,), vector="NET_RX", device=_napi_device(case, name)),
        evidence=(
            seen(f"{whole:,} of {polls:,} polls of {name} took {instances[0].budget} packets", "napi_poll"),
            seen(f"{human_count(rate)} packets/s in {human_ns(case.timing.span_ns)}", "napi_poll"),
        ),
        cost=cost,
        stage=NAPI,
        step=f"NAPI of {name}, {percent(whole / polls)} full polls",
    )


def _napi_cpu(case, napi):
    """The CPU that polled an instance most."""
    table = case.timing.table
    pointer = napi.napi - (1 << 64) if napi.napi >> 63 else napi.napi
    cpus = table.cpu[(table.kind == NAPI_POLL) & (table.a == pointer)].tolist()
    return max(set(cpus), key=cpus.count)


def _napi_device(case, name):
    return next((view.source.device for view in case.lines if view.source.name == name), name)


NAPI_SATURATED = Rule(
    id="napi-saturated",
    needs=("napi events",),
    judge=judge_saturated,
    meaning="""Polls of a NAPI instance come back with their whole weight: the queue never runs empty, interrupts stay off,
        and the instance is polled as fast as its CPU can.""",
    evidence="""work and budget of each napi_poll event.""",
    threshold=f"""{limits.NAPI_FULL_SHARE:.0%} of at least {limits.CALLS_MIN} polls; a warning when its CPU spends
        {limits.DOMINANT_COST_WARNING:.0%} in interrupt work.""",
    remedy="""Spread the flows over more queues or CPUs: irq-imbalance, queues-unused, rps-missing.""",
    refute="""A bulk transfer that uses the device well: full polls are how NAPI is meant to work under load.""",
)


def judge_hog(case):
    """One finding a work function that takes its CPU for long."""
    single = []
    for work in case.timing.work:
        times = work.own or work.run
        share = times.share(case.timing.span_ns)
        hog = times.count >= limits.CALLS_MIN and times.p50 >= limits.WORK_RUN_NS
        if hog or (times.count and share >= limits.COST_WARNING and times.mean >= limits.WORK_RUN_NS):
            yield _hog_finding(case, work, times, share)
        else:
            single.append((_work_name(work), times))
    yield from outliers("work-hog", single, limits.WORK_RUN_NS, "run", _WORK_SOURCE, WORK)


_WORK_SOURCE = "workqueue_execute_start, workqueue_execute_end"


def _work_name(work):
    return f"{work.function} on {work.workqueue}" if work.workqueue else work.function


def runs_unbound(case, work):
    """Whether the workers seen with a function are of an unbound pool (kworker/u...): no CPU's work waits behind those."""
    table, spans = case.timing.table, case.timing.spans.of(WORKQUEUE_EXECUTE_START)
    functions = {function: table.function(function) for function in set(spans.key.tolist())}
    pids = {pid for pid, key in zip(spans.pid.tolist(), spans.key.tolist(), strict=True) if functions[key] == work.function}
    names = [table.tasks.get(pid) or "" for pid in pids]
    return bool(names) and all(name.startswith("kworker/u") for name in names)


def _hog_finding(case, work, times, share):
    unbound = runs_unbound(case, work)
    kind = "own time" if work.own else "inclusive: the trace has no sched_switch"
    return Finding(
        rule="work-hog",
        severity=INFORMATION if unbound else WARNING,
        title=f"{_work_name(work)} runs for {human_ns(times.p50)} of its own CPU at the median, {percent(share)} of one CPU"
        + (", on unbound workers" if unbound else ""),
        subject=Subject(thread=work.function),
        evidence=(seen(f"{_work_name(work)} ({kind}): {said(times)}", _WORK_SOURCE),),
        remedies=(
            Remedy(
                commands=("echo 1000 > /sys/module/workqueue/parameters/cpu_intensive_thresh_us",),
                why="counts work as CPU-intensive after 1 ms, so that other work of the CPU starts beside it; the lasting "
                "cure is WQ_UNBOUND or WQ_CPU_INTENSIVE in the code that queues it",
                risk="more workers at a time; kernel 6.5 or later",
                undo="echo 10000 > /sys/module/workqueue/parameters/cpu_intensive_thresh_us",
            ),
        ),
        cost=share,
        stage=WORK,
        step=f"{work.function} {human_ns(times.p50)}",
    )


_HOGGED = re.compile(r"workqueue: (\S+) hogged CPU for >(\d+)us (\d+) times")


def judge_hog_by_log(case):
    """Without events: what the kernel itself says of work that hogs its CPU (6.5 and later), if it said it meanwhile."""
    for line in case.fresh_log():
        found = _HOGGED.search(line.text)
        if found:
            yield Finding(
                rule="work-hog",
                severity=INFORMATION,
                title=f"{found[1]} hogged its CPU for over {int(found[2]) / 1000:g} ms, {found[3]} times by now",
                subject=Subject(thread=found[1]),
                evidence=(seen(line.text, "kernel log"),),
                stage=WORK,
            )


WORK_HOG = Rule(
    id="work-hog",
    needs=("work events",),
    judge=judge_hog,
    without=judge_hog_by_log,
    meaning="""A work item on a bound workqueue keeps its CPU to itself, and other work of that CPU waits behind it.""",
    evidence="""Own time from execute_start to execute_end: without interrupts, softirqs and other tasks in between. A work
        item that was merely interrupted is no hog. Without events, what the kernel log says.""",
    threshold=f"""A median over {limits.WORK_RUN_NS // 10**6} ms in at least {limits.CALLS_MIN} runs, or
        {limits.COST_WARNING:.0%} of a CPU at such a mean: a warning. On unbound workers
        (kworker/u…) and for single runs information.""",
    remedy="""WQ_UNBOUND or WQ_CPU_INTENSIVE in the code that queues it; a cpumask for unbound queues
        (/sys/devices/virtual/workqueue/cpumask).""",
    refute="""Work on an unbound or CPU-intensive queue, behind which nothing waits.""",
)


def judge_work_late(case):
    """One finding a work function that waits long as a rule."""
    for work in case.timing.work:
        wait = work.wait
        if wait.count < limits.CALLS_MIN or wait.p99 < limits.WORK_WAIT_NS:
            continue
        rule = wait.p50 >= limits.WORK_WAIT_NS and not runs_unbound(case, work)
        yield Finding(
            rule="work-late",
            severity=WARNING if rule else INFORMATION,
            title=f"{_work_name(work)} waits {human_ns(wait.p50 if rule else wait.p99)} to start"
            + (" at the median" if rule else " in one of a hundred cases"),
            subject=Subject(thread=work.function),
            evidence=(seen(f"{_work_name(work)} wait: {said(wait)}", "workqueue_queue_work, workqueue_execute_start"),),
            remedies=(_LOOK,),
            cost=min(1.0, wait.p50 / 1e9),
            stage=WORK,
            step=f"{work.function} waits {human_ns(wait.p50)}" if rule else None,
        )


WORK_LATE = Rule(
    id="work-late",
    needs=("work events",),
    judge=judge_work_late,
    meaning="""Queued work waits long before it starts: its workers are busy with a hog, or its CPU with interrupts.""",
    evidence="""Time from queue_work to execute_start by function.""",
    threshold=f"""A median over {limits.WORK_WAIT_NS // 10**6} ms in at least {limits.CALLS_MIN} waits: a warning; a p99 over
        it, or waits of unbound workers, are information.""",
    remedy="""Find the hog (work-hog) or the CPU's interrupt load; max_active limits are another cause.""",
    refute="""An ordered queue that runs one item at a time by design.""",
)
RULES = (IRQ_SLOW_HANDLER, SOFTIRQ_LATE, SOFTIRQ_LONG, NAPI_SATURATED, WORK_HOG, WORK_LATE)
