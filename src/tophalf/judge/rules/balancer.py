"""Who else writes masks: irqbalance-conflict."""

from tophalf.judge import thresholds as limits
from tophalf.judge.findings import INFORMATION, INTERRUPT, WARNING, Finding, Remedy, Subject, counted, seen
from tophalf.judge.remedies import irqbalance
from tophalf.judge.rule import Rule
from tophalf.judge.rules.placement import throughout
from tophalf.vocab import cpu_list


def judge_conflict(case):
    """Masks that changed while watched, bans that do not hold, and masks that irqbalance would overwrite."""
    daemon = irqbalance(case)
    changed = _changed(case)
    strayed = _strayed(case)
    if changed or strayed:
        yield _changed_finding(case, daemon, changed, strayed)
    if daemon:
        yield from _broken_ban(case, daemon, changed)
        yield from _banned_cpus_used(case, daemon)
        yield from _would_overwrite(case, daemon)


def _changed(case):
    """[(irq, before, after)] of masks that differ from the first sample to the last."""
    before, after = case.masks_before or {}, case.masks_after or {}
    pairs = ((irq, before[irq].affinity, files.affinity) for irq, files in sorted(after.items()) if irq in before)
    return [(irq, old, new) for irq, old, new in pairs if old is not None and new is not None and old != new]


def _strayed(case):
    """Lines whose mask reads the same at both ends, yet whose interrupts landed outside it for a part of the time."""
    found = []
    for view in case.lines:
        if view.before and view.mask and view.before.affinity == view.mask and case.series.intervals:
            outside = sum(count for cpu, count in view.by_cpu.items() if cpu not in view.mask)
            if outside >= limits.OUTSIDE_MASK_COUNT and not throughout(case, view):
                found.append((view, outside))
    return found


def _changed_finding(case, daemon, changed, strayed):
    who = {None: "processes were not recorded, so who did it is not known", False: "irqbalance does not run"}
    told = f"irqbalance runs (pid {daemon.pid}, every {daemon.interval_s} s)" if daemon else who[daemon]
    irqs = tuple(sorted([*(irq for irq, *_ in changed), *(view.irq for view, _ in strayed)]))
    return Finding(
        rule="irqbalance-conflict",
        severity=INFORMATION,
        title=f"the mask{'s' * (len(irqs) > 1)} of IRQ {cpu_list(irqs)} changed while watched; {told}",
        subject=Subject(irqs=irqs),
        evidence=tuple(
            seen(f"{_label(case, irq)}: mask {cpu_list(old)} became {cpu_list(new)}", f"/proc/irq/{irq}/smp_affinity")
            for irq, old, new in changed[:8]
        )
        + tuple(
            counted(f"{view.label} outside its mask {cpu_list(view.mask)}, which was another one for a while", outside,
                    case.seconds, "/proc/interrupts", "interrupts")
            for view, outside in strayed[:8]
        ),
        remedies=(_ban_remedy(daemon, irqs),) if daemon else (),
        cost=0.0,
        stage=INTERRUPT,
        step=None,
    )  # fmt: skip


def _label(case, irq):
    line = case.last.interrupts.lines.get(str(irq)) if case.last.interrupts else None
    return f"IRQ {irq} {', '.join(line.actions)}".rstrip() if line else f"IRQ {irq}"


def _ban_remedy(daemon, irqs):
    bans = " ".join(f"--banirq={irq}" for irq in irqs)
    words = " ".join(word for word in daemon.arguments or () if not word.startswith("/"))
    return Remedy(
        commands=(f"# IRQBALANCE_ARGS=\"{bans}\" in /etc/default/irqbalance (Debian) or /etc/sysconfig/irqbalance",
                  "systemctl restart irqbalance"),
        why="irqbalance then leaves these lines alone",
        risk="they stay where they are, whatever the load; numbers may belong to other lines after a boot",
        undo=f"take --banirq out again and restart irqbalance{f' (it runs as: {words})' if words else ''}",
    )  # fmt: skip


def _broken_ban(case, daemon, changed):
    irqs = [irq for irq, *_ in changed if irq in (daemon.bans or ())]
    if irqs:
        busy = any(view.irq in irqs and view.rate >= limits.BUSY_LINE_RATE for view in case.lines)
        yield Finding(
            rule="irqbalance-conflict",
            severity=WARNING if busy else INFORMATION,
            title=f"IRQ {cpu_list(irqs)} is banned from irqbalance, yet its mask changed: the ban is not in force, or "
            "something else writes it",
            subject=Subject(irqs=tuple(irqs)),
            evidence=(seen(f"bans: IRQ {cpu_list(daemon.bans)}", f"/proc/{daemon.pid}/cmdline"),),
            remedies=(Remedy(commands=("systemctl restart irqbalance",), why="takes the bans of its configuration into force",
                             risk="it places all other lines anew", undo=None),),
            stage=INTERRUPT,
        )  # fmt: skip


def _banned_cpus_used(case, daemon):
    banned = set(daemon.banned_cpus or ())
    views = [view for view in case.lines if view.rate >= limits.BUSY_LINE_RATE and view.main_cpu in banned and view.movable]
    views = [view for view in views if view.irq not in (daemon.bans or ())]
    if views:
        irqs = tuple(view.irq for view in views)
        yield Finding(
            rule="irqbalance-conflict",
            severity=INFORMATION,
            title=f"IRQ {cpu_list(irqs)} land on CPUs that irqbalance is told to keep free ({cpu_list(banned)})",
            subject=Subject(irqs=irqs, cpus=tuple(sorted({view.main_cpu for view in views}))),
            evidence=tuple(seen(f"{view.label}: mask {cpu_list(view.mask)}, landed on CPU {cpu_list(view.by_cpu)}",
                                f"/proc/irq/{view.irq}/smp_affinity") for view in views[:8]),
            remedies=(Remedy(commands=("systemctl restart irqbalance",), why="it then places these lines anew",
                             risk="it places all other lines anew too", undo=None),),
            stage=INTERRUPT,
        )  # fmt: skip


def _would_overwrite(case, daemon):
    """Lines that a person seems to have placed: queues of one device stacked on a CPU, or set to the driver's hint."""
    views = [view for view in case.lines if view.movable and view.rate >= limits.BUSY_LINE_RATE and len(view.mask) == 1]
    views = [view for view in views if view.irq not in (daemon.bans or ()) and _by_hand(view, views)]
    if not views or "--oneshot" in (daemon.arguments or ()):
        return
    irqs = tuple(view.irq for view in views)
    yield Finding(
        rule="irqbalance-conflict",
        severity=INFORMATION,
        title=f"IRQ {cpu_list(irqs)} look placed by hand or by their driver; irqbalance (every {daemon.interval_s} s) "
        "may overwrite them, and does when it starts",
        subject=Subject(irqs=irqs),
        evidence=tuple(seen(f"{view.label}: mask {cpu_list(view.mask)}, hint {cpu_list(view.after.affinity_hint)}",
                            f"/proc/irq/{view.irq}/smp_affinity") for view in views[:8]),
        remedies=(_ban_remedy(daemon, irqs),),
        stage=INTERRUPT,
    )  # fmt: skip


def _by_hand(view, views):
    if view.after.affinity_hint and view.mask == tuple(view.after.affinity_hint):
        return True
    twins = [each for each in views if each.source.device == view.source.device and each.source.role == view.source.role]
    return len(twins) >= limits.STACKED_QUEUES and len({each.mask for each in twins}) == 1


IRQBALANCE_CONFLICT = Rule(
    id="irqbalance-conflict",
    needs=("masks",),
    judge=judge_conflict,
    meaning="""Masks are written by someone else too: irqbalance places lines when it starts and at its intervals. A mask set
        before it starts is overwritten one interval later; one set while it runs often stays, until its own model wants a
        move.""",
    evidence="""Masks at the first and last sample; irqbalance's bans, banned CPUs and interval.""",
    threshold=f"""A mask that changed is information; a warning when the line is banned and busy
        ({limits.BUSY_LINE_RATE}/s).""",
    remedy="""--banirq for lines that must stay; IRQBALANCE_BANNED_CPULIST for CPUs that must stay free.""",
    refute="""Someone changed the masks by hand meanwhile, or their last CPU went offline: all that are left are taken then.""",
)
RULES = (IRQBALANCE_CONFLICT,)
