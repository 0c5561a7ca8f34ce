"""Softirq load: ksoftirqd-busy and softirq-dominant."""

from tophalf.judge import thresholds as limits
from tophalf.judge.case import NET_ROLES
from tophalf.judge.findings import (
    INFORMATION,
    KSOFTIRQD,
    SOFTIRQ,
    WARNING,
    Finding,
    Remedy,
    Subject,
    counted,
    percent,
    seen,
    severity_of,
)
from tophalf.judge.netnames import sysfs_folder
from tophalf.judge.rule import Rule
from tophalf.judge.softirqtime import main_vector, vector_times
from tophalf.vocab import cpu_list, human_count, human_ns

# What to look at when a vector other than NET_RX takes the time: the field's own pointers.
_ELSEWHERE = {
    "TIMER": "find who arms the timers: `tophalf trace`, or bpftrace on timer:timer_expire_entry",
    "NET_TX": "transmit completions: raise tx-usecs or tx-frames with ethtool -C",
    "BLOCK": "block completions land on one CPU: rq_affinity=1 completes on the submitter's group",
    "TASKLET": "a driver's tasklet: `tophalf trace` names the function; a threaded handler or a workqueue replaces it",
    "HI": "a driver's high-priority tasklet: `tophalf trace` names the function",
    "RCU": "callbacks: rcu_nocbs=CPUS at boot moves them to threads",
    "SCHED": "load balancing of a machine with many domains: isolcpus=domain or cpuset partitions cut it",
    "HRTIMER": "soft high-resolution timers: `tophalf trace`, or bpftrace on timer:hrtimer_expire_entry",
}


def judge_ksoftirqd(case):
    """One finding a CPU whose ksoftirqd takes over half of it."""
    for cpu, share, used in _shares_by_thread(case) if case.whole and case.whole.threads else _shares_by_trace(case):
        if share >= limits.KSOFTIRQD_SHARE:
            yield _ksoftirqd_finding(case, cpu, share, used)


def _shares_by_thread(case):
    """(cpu, share of it, evidence) of each ksoftirqd, by the CPU time of the thread."""
    for delta in case.threads("ksoftirqd"):
        if delta.thread.cpu is not None:
            source = f"/proc/{delta.thread.pid}/schedstat" if delta.thread.pid else "CPU time of threads"
            text = f"{delta.thread.name} used {delta.cpu_ns / 1e9:.3g} s of CPU in {case.seconds:.3g} s"
            yield delta.thread.cpu, delta.share, seen(text, source)


def _shares_by_trace(case):
    """The same from a trace alone: own time of the softirqs that ksoftirqd ran."""
    for cpu, times in sorted(vector_times(case, in_ksoftirqd=True).items()):
        text = f"ksoftirqd/{cpu} ran softirqs for {human_ns(sum(times.values()))} of {human_ns(case.timing.span_ns)}"
        yield cpu, sum(times.values()) / case.timing.span_ns, seen(text, "softirq_entry, softirq_exit")


def _ksoftirqd_finding(case, cpu, share, used):
    main = main_vector(case, cpu, in_ksoftirqd=True)
    vector, name = main.vector if main else None, f"ksoftirqd/{cpu}"
    evidence = [used]
    if main:
        evidence.append(seen(main.text, main.source))
    if case.whole and case.whole.cpu_times:
        evidence.append(seen(f"CPU{cpu} spent {percent(case.interrupt_share(cpu))} in irq and softirq", "/proc/stat"))
    return Finding(
        rule="ksoftirqd-busy",
        severity=severity_of(share, limits.KSOFTIRQD_SHARE, limits.KSOFTIRQD_SHARE_CRITICAL),
        title=f"{name} takes {percent(share)} of CPU{cpu}"
        + (f", working off {vector}" if vector else "; no counter tells which vector"),
        subject=Subject(cpus=(cpu,), vector=vector, thread=name),
        evidence=(*evidence, *_quiet_interrupts(case, cpu, vector)),
        remedies=_remedies(case, cpu, vector),
        cost=share,
        stage=KSOFTIRQD,
        step=f"{name} {percent(share)}",
    )


def _quiet_interrupts(case, cpu, vector):
    """Why rates alone look idle: under a flood NAPI polls and the devices hardly interrupt."""
    if vector != "NET_RX" or case.whole is None:
        return
    count = sum(view.by_cpu.get(cpu, 0) for view in case.lines if view.source.role in NET_ROLES)
    runs = case.softirq_count("NET_RX", cpu)
    yield counted(f"network interrupts on CPU{cpu} (NAPI polls instead)", count, case.seconds, "/proc/interrupts")
    yield counted(f"NET_RX runs on CPU{cpu}", runs, case.seconds, "/proc/softirqs")


def _remedies(case, cpu, vector):
    if vector == "NET_RX":
        return tuple(_threaded(case, folder) for folder in _devices_on(case, cpu))[:2]
    if vector not in _ELSEWHERE:
        return ()
    look = Remedy(
        commands=("tophalf record /tmp/softirq.tophalf --seconds 2", "tophalf trace /tmp/softirq.tophalf"),
        why=_ELSEWHERE[vector],
        risk="two seconds of tracing",
        undo="rm /tmp/softirq.tophalf",
    )
    return (look,)


def _devices_on(case, cpu):
    """sysfs folders of the network devices whose queues lead to a CPU."""
    views = [view for view in case.lines if view.source.role in NET_ROLES and view.main_cpu == cpu and view.count]
    return list(dict.fromkeys(filter(None, (sysfs_folder(case, view.source) for view in views))))


def _threaded(case, folder):
    name = folder.rsplit("/", 1)[-1]
    now = case.net[name].threaded if name in case.net else None
    return Remedy(
        commands=(f"echo 1 | tee {folder}/threaded",),
        why="polls in threads of their own, which the scheduler can move to idle CPUs" + (" (it is on)" if now else ""),
        risk="more context switches and latency at low load; kernel 5.12 or later",
        undo=f"echo 0 | tee {folder}/threaded",
    )


KSOFTIRQD_BUSY = Rule(
    id="ksoftirqd-busy",
    needs=("ksoftirqd time",),
    judge=judge_ksoftirqd,
    meaning="""Softirqs are raised faster than they can be run on the way out of interrupts, so ksoftirqd/N works them off,
        in competition with the tasks of that CPU.""",
    evidence="""CPU time of ksoftirqd/N, or in a trace alone the time of the softirqs it ran; the vector by measured time
        in a trace, else by packets and counts. Under a flood interrupts and NET_RX runs are few, because each run takes
        hundreds of packets.""",
    threshold=f"""A warning over {limits.KSOFTIRQD_SHARE:.0%} of a core, critical over
        {limits.KSOFTIRQD_SHARE_CRITICAL:.0%}. On PREEMPT_RT ksoftirqd is where softirqs run anyhow: the share counts the
        same.""",
    remedy="""Spread the load: queues over CPUs (irq-imbalance), RPS for a single queue, threaded NAPI; stop what floods. A
        larger netdev_budget only makes each run longer.""",
    refute="""A load test or backup that is meant to fill this core. Without a trace the vector is told from counters, and a
        trace may name another.""",
)


def judge_dominant(case):
    """One finding a vector that dominates on CPUs where softirqs matter."""
    found = {}
    for cpu in case.online:
        cost = _softirq_share(case, cpu)
        main = main_vector(case, cpu)
        if main is None or main.share < limits.DOMINANT_SHARE:
            continue
        rate = max(case.softirq_count(main.vector, cpu), case.packets(cpu) if main.vector == "NET_RX" else 0) / case.seconds
        if cost >= limits.DOMINANT_COST_INFORMATION or rate >= limits.DOMINANT_RATE:
            found.setdefault(main.vector, []).append((cpu, cost, rate, main))
    for vector, cpus in found.items():
        yield _dominant_finding(case, vector, sorted(cpus, key=lambda each: (-each[1], -each[2], each[0])))


def _softirq_share(case, cpu):
    times = ((case.whole.cpu_times if case.whole else None) or {}).get(cpu)
    return times.share("softirq") if times else 0.0


def _dominant_finding(case, vector, cpus):
    worst_cpu, cost, rate, _ = cpus[0]
    numbers = tuple(sorted(cpu for cpu, *_ in cpus))
    evidence = []
    for cpu, share, _, main in cpus[:4]:
        evidence.append(seen(main.text, main.source))
        evidence.append(counted(f"{vector} on CPU{cpu}", case.softirq_count(vector, cpu), case.seconds, "/proc/softirqs"))
        if case.whole.cpu_times:
            evidence.append(seen(f"CPU{cpu} spent {percent(share)} of its time in softirq", "/proc/stat"))
    unit = "packets/s" if vector == "NET_RX" and case.packets(worst_cpu) >= rate * case.seconds else "/s"
    return Finding(
        rule="softirq-dominant",
        severity=WARNING if cost >= limits.DOMINANT_COST_WARNING else INFORMATION,
        title=f"{vector} dominates the softirqs of CPU {cpu_list(numbers)}: {human_count(rate)}{' ' * (unit != '/s')}{unit}, "
        f"{percent(cost)} of CPU{worst_cpu} in softirq",
        subject=Subject(cpus=numbers, vector=vector),
        evidence=tuple(evidence),
        remedies=_remedies(case, worst_cpu, vector),
        cost=cost,
        stage=SOFTIRQ,
        step=f"{vector} {human_count(rate)}{' ' * (unit != '/s')}{unit}",
    )


SOFTIRQ_DOMINANT = Rule(
    id="softirq-dominant",
    needs=("rates", "softirqs"),
    judge=judge_dominant,
    meaning="""One softirq vector grows out of proportion: NET_RX is receive load, BLOCK storage completions, TIMER timer
        callbacks, SCHED balancing, RCU callbacks.""",
    evidence="""Time by vector in a trace; without one, softirqs by vector and CPU, packets (softnet_stat), and the softirq
        column of /proc/stat, which ticks sample.""",
    threshold=f"""A vector with {limits.DOMINANT_SHARE:.0%} of a CPU's softirqs, where softirqs take
        {limits.DOMINANT_COST_INFORMATION:.0%} of the CPU or the vector comes {limits.DOMINANT_RATE:,} times a second
        (packets count for NET_RX). A warning when softirqs take {limits.DOMINANT_COST_WARNING:.0%} of a CPU.""",
    remedy="""For NET_RX spread queues, coalesce, or stop the flood; for others find the caller with `tophalf trace`.""",
    refute="""A router, a load generator or a storage server does just this when it works well.""",
)
RULES = (KSOFTIRQD_BUSY, SOFTIRQ_DOMINANT)
