"""Where interrupts land: irq-imbalance, irq-affinity-ignored, irq-pinned, irq-on-isolated-cpu, irq-remote-node."""

from tophalf.judge import thresholds as limits
from tophalf.judge.case import RX_ROLES
from tophalf.judge.findings import (
    INFORMATION,
    INTERRUPT,
    WARNING,
    Finding,
    Remedy,
    Subject,
    counted,
    percent,
    seen,
)
from tophalf.judge.remedies import idlest, move_lines, near, node_of, spread
from tophalf.judge.rule import Rule
from tophalf.vocab import cpu_list, human_count


def busy_lines(case):
    """Lines with interrupts worth moving, and receive queues that NAPI keeps silent while their CPU is full of packets."""
    return [view for view in case.lines if view.rate >= limits.BUSY_LINE_RATE or _polled(case, view)]


def _polled(case, view):
    """Whether a receive queue is busy by its packets although it hardly interrupts: NAPI stops interrupts under load."""
    if view.source.role not in RX_ROLES or view.source.queue is None or not view.count:
        return False
    return case.packets(view.main_cpu) >= limits.BUSY_QUEUE_PACKETS * case.seconds


def judge_imbalance(case):
    """At most one finding: the CPU that does the interrupt work of several lines that could be elsewhere."""
    if len(case.irq_cpus) < 2:
        return
    busy = [view for view in busy_lines(case) if view.movable]
    work = _work(case, busy)
    by_cpu = {}
    for (cpu, _), amount in work.items():
        by_cpu[cpu] = by_cpu.get(cpu, 0) + amount
    if not by_cpu:
        return
    cpu = max(by_cpu, key=lambda cpu: (by_cpu[cpu], -cpu))
    share = by_cpu[cpu] / sum(by_cpu.values())
    here = [view for view in busy if work.get((cpu, view.key), 0) >= limits.IMBALANCE_PART * by_cpu[cpu]]
    # the receive and transmit line of one queue belong together: they are one thing to move
    if share >= limits.IMBALANCE_SHARE and len({(view.source.device, view.source.queue) for view in here}) > 1:
        yield _imbalance_finding(case, here, cpu, share)


def _work(case, busy):
    """{(cpu, line key): work}: interrupts, or for receive queues that NAPI polls their part of the CPU's packets."""
    work, polled = {}, {}
    for view in busy:
        if _polled(case, view):
            polled.setdefault(view.main_cpu, []).append(view)
        else:
            work.update({(cpu, view.key): count for cpu, count in view.by_cpu.items()})
    for cpu, views in polled.items():
        work.update({(cpu, view.key): case.packets(cpu) / len(views) for view in views})
    return work


def _imbalance_finding(case, here, cpu, share):
    cost = case.interrupt_share(cpu)
    other = idlest(case, but=(cpu,))
    room = other is not None and (case.idle_share(other) or 0) - (case.idle_share(cpu) or 0) >= limits.IDLER_BY
    warn = cost >= limits.IMBALANCE_COST_WARNING and room
    names = line_names(here)
    remedy = move_lines(case, [(v, c) for v, c in spread(case, here) if c != cpu], "one CPU a busy line, near its device")
    return Finding(
        rule="irq-imbalance",
        severity=WARNING if warn else INFORMATION,
        title=f"CPU{cpu} does {percent(share)} of the interrupt work of {len(here)} busy lines that could be elsewhere"
        + ("; at this load it costs little" if cost < limits.IMBALANCE_COST_WARNING else ""),
        subject=Subject(irqs=tuple(view.irq for view in here), cpus=(cpu,), device=_one_device(here)),
        evidence=(
            *_count_evidence(case, here, cpu),
            seen(f"CPU{cpu} spent {percent(cost)} of its time in irq and softirq", "/proc/stat"),
            *_idle_evidence(case, other),
        ),
        remedies=(remedy,) if remedy else (),
        cost=cost,
        stage=INTERRUPT,
        step=f"{names} on CPU{cpu}",
    )


def _one_device(views):
    devices = {view.source.device for view in views}
    return devices.pop() if len(devices) == 1 else None


def line_names(views):
    """IRQ 33,35,37 (virtio4-input.0, virtio4-input.1, ...): numbers all, names as far as they help."""
    shown = ", ".join("+".join(view.line.actions) for view in views[:4])
    return f"IRQ {cpu_list(view.irq for view in views)} ({shown}{', …' if len(views) > 4 else ''})"


def _count_evidence(case, here, cpu):
    for view in here[:8]:
        yield counted(f"{view.label} on CPU{cpu}", view.by_cpu.get(cpu, 0), case.seconds, "/proc/interrupts", "interrupts")
    if len(here) > 8:
        yield seen(f"and {len(here) - 8} more lines on CPU{cpu}", "/proc/interrupts")
    polled = [view for view in here if _polled(case, view)]
    if polled:
        text = f"packets processed on CPU{cpu}, to which the masks of {line_names(polled)} lead"
        yield counted(text, case.packets(cpu), case.seconds, "/proc/net/softnet_stat")


def _idle_evidence(case, other):
    if other is None or case.idle_share(other) is None:
        return ()
    return (seen(f"CPU{other} was idle {percent(case.idle_share(other))} of the time", "/proc/stat"),)


IRQ_IMBALANCE = Rule(
    id="irq-imbalance",
    needs=("rates", "masks"),
    judge=judge_imbalance,
    meaning="""One CPU does the interrupt work of several busy lines or queues whose masks could be changed. Under a
        flood NAPI stops the interrupts, so work is counted in packets there.""",
    evidence="""Interrupts of each line on that CPU, packets it processed (softnet_stat), its time in irq and softirq,
        how idle another CPU was.""",
    threshold=f"""{limits.IMBALANCE_SHARE:.0%} of the work of all busy movable lines (each at least
        {limits.BUSY_LINE_RATE}/s, or a receive queue on a CPU that takes {limits.BUSY_QUEUE_PACKETS:,} packets/s) on one
        CPU, at least two queues or devices there with {limits.IMBALANCE_PART:.0%} of its work each. A warning when that
        CPU spends {limits.IMBALANCE_COST_WARNING:.0%} in interrupt work and another CPU is {100 * limits.IDLER_BY:.0f} points
        idler, else information. Managed lines do not count, nor do
        isolated CPUs, or those outside the default mask (irqaffinity=), as places to go.""",
    remedy="""`tophalf affinity IRQ CPU` for each line, one CPU a queue, near the device.""",
    refute="""Interrupts kept together on purpose: power saving, a core set aside for them, or one CPU that runs the
        receiving application too.""",
)


def judge_ignored(case):
    """One finding a line whose interrupts arrived outside a mask that stood at both ends."""
    for view in case.lines:
        if not (view.before and view.after and view.mask) or view.before.affinity != view.mask or not view.count:
            continue
        outside = {cpu: count for cpu, count in view.by_cpu.items() if cpu not in view.mask}
        count = sum(outside.values())
        if count < limits.OUTSIDE_MASK_COUNT or count < limits.OUTSIDE_MASK_SHARE * view.count:
            continue
        if throughout(case, view):
            yield _ignored_finding(case, view, outside, count)


def throughout(case, view):
    """Whether interrupts arrived outside the mask in the first and in the last interval that had any: else the mask was
    another one for a while, which is no fault of the delivery."""
    deltas = [interval.lines[view.key] for interval in case.series.intervals if view.key in (interval.lines or {})]
    deltas = [delta for delta in deltas if delta.count > 1]
    if not deltas:
        return False
    return all(any(cpu not in view.mask for cpu in delta.by_cpu) for delta in (deltas[0], deltas[-1]))


def _ignored_finding(case, view, outside, count):
    rate = count / case.seconds
    harmful = rate >= limits.OUTSIDE_MASK_RATE_WARNING or any(cpu in case.isolated for cpu in outside)
    # one interval alone cannot tell a mask that is ignored from one that was changed and put back
    sure = len(case.series.intervals) > 1 or not set(view.after.effective_affinity or ()) <= set(view.mask)
    cpus = cpu_list(outside)
    offline = not set(view.mask) & set(case.online)
    title = f"{view.label}: {human_count(count)} interrupts arrived on CPU {cpus}, outside its mask {cpu_list(view.mask)}"
    effective = cpu_list(view.after.effective_affinity)
    return Finding(
        rule="irq-affinity-ignored",
        severity=WARNING if harmful and sure else INFORMATION,
        title=title + (", which names no CPU that is online" if offline else ""),
        subject=Subject(irqs=(view.irq,), cpus=tuple(outside), device=view.source.device),
        evidence=(
            counted(f"{view.label} on CPU {cpus}", count, case.seconds, "/proc/interrupts", "interrupts"),
            seen(f"mask {cpu_list(view.mask)} at both ends, effective {effective}", f"/proc/irq/{view.irq}/smp_affinity"),
        ),
        remedies=(
            Remedy(
                commands=(f"tophalf affinity {view.irq} {cpu_list(view.mask)}",),
                why="writes the mask again and tells by counts whether interrupts follow",
                risk="none beyond the move itself",
                undo=f"tophalf affinity {view.irq} --undo",
            ),
        ),
        cost=rate * limits.INTERRUPT_NS_MIN / 1e9,
        stage=INTERRUPT,
        step=f"{view.label} outside its mask",
    )


IRQ_AFFINITY_IGNORED = Rule(
    id="irq-affinity-ignored",
    needs=("rates", "masks"),
    judge=judge_ignored,
    meaning="""Interrupts arrive on CPUs that the line's mask does not name: a chip or driver that ignores the mask, a mask
        of offline CPUs that the kernel broke, or someone who changed it and put it back.""",
    evidence="""Counts by CPU against smp_affinity, which read the same at both samples, and effective_affinity.""",
    threshold=f"""More than {limits.OUTSIDE_MASK_COUNT} interrupts and {limits.OUTSIDE_MASK_SHARE:.0%} of the line's: one
        may still land on the old CPU after a move. They must arrive so in the first and the last interval watched: in
        between only, the mask was another one for a while (irqbalance-conflict says so). A warning from
        {limits.OUTSIDE_MASK_RATE_WARNING}/s or on an isolated CPU, when more than one interval was watched. A quiet line
        whose effective mask differs is no fault: the move waits for its next interrupt.""",
    remedy="""Write the mask again with `tophalf affinity`, which watches where interrupts land.""",
    refute="""A mask changed and restored between the samples, or a second write while the first move was pending.""",
)


def judge_pinned(case):
    """One finding a device whose busy lines nobody can move."""
    devices = {}
    for view in case.lines:
        if view.managed and view.rate >= limits.PINNED_RATE:
            devices.setdefault(view.source.device, []).append(view)
    for device, views in devices.items():
        name = views[0].source.name
        known = "" if all(view.managed is True for view in views) else "likely "
        yield Finding(
            rule="irq-pinned",
            severity=INFORMATION,
            title=f"{name}: {len(views)} busy queue interrupt{'s' * (len(views) > 1)} {known}managed by the kernel; "
            "writes to their masks are refused",
            subject=Subject(irqs=tuple(view.irq for view in views), device=device),
            evidence=tuple(_pinned_evidence(case, view) for view in views[:8]),
            remedies=(_pinned_remedy(),),
            cost=0.0,
            stage=INTERRUPT,
            step=f"{line_names(views)} pinned",
        )


def _pinned_evidence(case, view):
    on = f"on CPU {cpu_list(view.by_cpu)}"
    rate = f"{human_count(view.count)} in {case.seconds:.3g} s {on}"
    known = "" if view.managed is True else "likely "
    return seen(f"{view.label}: {known}managed ({view.why}); {rate}", f"/proc/irq/{view.irq}/smp_affinity")


def _pinned_remedy():
    return Remedy(
        commands=("# boot with isolcpus=managed_irq,CPUS to keep managed interrupts off CPUS",),
        why="a queue's interrupt follows the CPUs that submit to it: move the task (taskset), or isolate at boot",
        risk="the kernel leaves a queue on an isolated CPU when no other CPU of its mask is online",
        undo="remove isolcpus= from the command line",
    )


IRQ_PINNED = Rule(
    id="irq-pinned",
    needs=("rates",),
    judge=judge_pinned,
    meaning="""Busy interrupts whose CPUs the kernel chose and will not let anyone change (managed affinity): I/O queues of
        NVMe, virtio-blk and many SCSI adapters.""",
    evidence="""Driver and queue name, a mask of one CPU: "likely". From Linux 6.12 on the mask's file is read-only where the
        kernel refuses writes: then it is certain.""",
    threshold=f"""At least {limits.PINNED_RATE}/s; always information: it is a fact to know before moving things, not a
        fault.""",
    remedy="""Move the submitting tasks; isolcpus=managed_irq at boot.""",
    refute="""`tophalf affinity IRQ CPUS` that succeeds (a write is the only proof; EPERM on 6.12, EIO on 6.1 confirm).""",
)


def judge_isolated(case):
    """One finding for all lines that disturb isolated CPUs."""
    hits = []
    for view in case.lines:
        there = {cpu: count for cpu, count in view.by_cpu.items() if cpu in case.isolated}
        if sum(there.values()) >= limits.ISOLATED_RATE_INFORMATION * case.seconds:
            hits.append((view, there))
    strays = [(view, there) for view, there in hits if not _meant(view, case)]
    if hits:
        yield _isolated_finding(case, strays or hits, meant=not strays)


def _meant(view, case):
    """A mask that names isolated CPUs alone was written by someone who wanted the line there; a managed queue interrupts
    the CPU that its requests came from."""
    return bool(view.managed) or (bool(view.mask) and set(view.mask) <= set(case.isolated))


def _isolated_finding(case, hits, meant):
    views = [view for view, _ in hits]
    cpus = sorted({cpu for _, there in hits for cpu in there})
    rate = sum(count for _, there in hits for count in there.values()) / case.seconds
    movable = [view for view in views if view.movable]
    remedies = [move_lines(case, [(view, near(case, view)) for view in movable], "housekeeping CPUs near the device")]
    if len(movable) < len(views):
        remedies.append(_pinned_remedy())
    return Finding(
        rule="irq-on-isolated-cpu",
        severity=WARNING if rate >= limits.ISOLATED_RATE_WARNING and not meant else INFORMATION,
        title=f"{line_names(views)} interrupt isolated CPU {cpu_list(cpus)}, {human_count(rate)}/s"
        + ("; it seems meant: masks of isolated CPUs alone, or managed queues that were used from there" if meant else ""),
        subject=Subject(irqs=tuple(view.irq for view in views), cpus=tuple(cpus), device=_one_device(views)),
        evidence=(
            seen(f"isolated: {cpu_list(case.isolated)}", "/proc/cmdline"),
            *(
                counted(f"{view.label} on CPU {cpu_list(there)}", sum(there.values()), case.seconds, "/proc/interrupts",
                        "interrupts")
                for view, there in hits[:8]
            ),
        ),
        remedies=tuple(remedy for remedy in remedies if remedy),
        cost=rate * limits.INTERRUPT_NS_MIN / 1e9,
        stage=INTERRUPT,
        step=f"{line_names(views)} on isolated CPU {cpu_list(cpus)}",
    )  # fmt: skip


IRQ_ON_ISOLATED_CPU = Rule(
    id="irq-on-isolated-cpu",
    needs=("rates", "isolation"),
    judge=judge_isolated,
    meaning="""Device interrupts land on CPUs that the command line sets aside (isolcpus, nohz_full): each disturbs the
        task that the CPU was isolated for.""",
    evidence="""Counts by CPU against isolcpus= and nohz_full=.""",
    threshold=f"""From {limits.ISOLATED_RATE_INFORMATION}/s a line; a warning from {limits.ISOLATED_RATE_WARNING}/s in all.
        Lines whose mask names isolated CPUs alone, and managed queues, which interrupt where requests are made, are
        information.""",
    remedy="""Deliver them to housekeeping CPUs; for managed lines isolcpus=managed_irq; irqaffinity= for the next boot.""",
    refute="""An application that polls or takes its own interrupts on that CPU by design.""",
)


def judge_remote(case):
    """One finding a device with lines that mostly land on another node."""
    if len(case.topology.nodes or ()) < 2:
        return
    devices = {}
    for view in case.lines:
        node = node_of(view, case)
        if node is not None and view.rate >= limits.REMOTE_RATE:
            devices.setdefault((view.source.device, node), []).append(view)
    for (_, node), views in devices.items():
        astray = [view for view in views if _off_node(view, node, case) >= limits.REMOTE_SHARE * view.count]
        if astray:
            yield _remote_finding(case, node, astray, len(views))


def _off_node(view, node, case):
    return sum(count for cpu, count in view.by_cpu.items() if case.topology.node_of.get(cpu) not in (None, node))


def _remote_finding(case, node, astray, busy):
    cost = max((case.interrupt_share(view.main_cpu) for view in astray if view.main_cpu is not None), default=0.0)
    remedy = move_lines(case, spread(case, [view for view in astray if view.movable]), f"CPUs of node {node}")
    name = astray[0].source.name
    count = sum(_off_node(view, node, case) for view in astray)
    return Finding(
        rule="irq-remote-node",
        severity=WARNING if cost >= limits.COST_WARNING * 2 else INFORMATION,
        title=f"{name} sits on node {node}, but {len(astray)} of its {busy} busy lines land on other nodes",
        subject=Subject(
            irqs=tuple(view.irq for view in astray),
            cpus=tuple(sorted({view.main_cpu for view in astray})),
            device=astray[0].source.device,
        ),
        evidence=(
            counted(f"{line_names(astray)} off node {node}", count, case.seconds, "/proc/interrupts", "interrupts"),
            seen(f"node {node} has CPU {cpu_list(case.topology.nodes.get(node))}", "/sys/devices/system/node"),
            seen(f"the busiest CPU of theirs spends {percent(cost)} in irq and softirq", "/proc/stat"),
        ),
        remedies=(remedy,) if remedy else (),
        cost=cost / 2,
        stage=INTERRUPT,
        step=f"{name} interrupts off node {node}",
    )


IRQ_REMOTE_NODE = Rule(
    id="irq-remote-node",
    needs=("rates", "masks", "nodes"),
    judge=judge_remote,
    meaning="""A device's interrupts are handled on another NUMA node: descriptors and packet headers cross the
        interconnect for each of them.""",
    evidence="""The device's node, and interrupts by CPU.""",
    threshold=f"""Lines from {limits.REMOTE_RATE}/s with {limits.REMOTE_SHARE:.0%} of their interrupts off the device's
        node. A warning when such a CPU spends {2 * limits.COST_WARNING:.0%} in interrupt work.""",
    remedy="""`tophalf affinity` to CPUs of the device's node.""",
    refute="""The application that consumes the data runs on that other node, and data would cross anyway; a firmware that
        reports a wrong node.""",
)
RULES = (IRQ_IMBALANCE, IRQ_AFFINITY_IGNORED, IRQ_PINNED, IRQ_ON_ISOLATED_CPU, IRQ_REMOTE_NODE)
