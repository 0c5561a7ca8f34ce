"""Plain dicts of `tophalf affinity`: what its --json prints and affinity_text lays out. docs/json.md describes the keys."""

from tophalf.host.cpumask import format_mask


def line_rows(machine, interrupts, irqs):
    """(one row a line as it is or was recorded, Facts). A series holds facts in its first moment, masks in some: the latest
    counts."""
    from tophalf.host.read import read_facts
    from tophalf.host.steer.fixed import read_fixed

    facts = read_facts(machine.facts_root, ("pci", "daemons"))
    told = (read_fixed(root) for _, root in reversed(machine.moments))
    proofs = next((proofs for proofs in told if proofs is not None), {})
    return [_line_row(machine, interrupts, irq, facts, proofs.get(irq)) for irq in irqs], facts


def _line_row(machine, interrupts, irq, facts, proof):
    from tophalf.judge.managed import managed

    line, files = _line(interrupts, irq), _latest_files(machine, irq)
    value, evidence = managed(line, files, facts, proof) if line else (None, None)
    return {
        "irq": irq,
        "actions": _actions(interrupts, irq),
        "chip": (line.chip if line else None) or files.chip,
        "hwirq": files.hwirq if line is None or line.hwirq is None else line.hwirq,
        "trigger": (line.trigger if line else None) or files.trigger,
        "affinity": _listed(files.affinity),
        "effective_affinity": _listed(files.effective_affinity),
        "affinity_hint": _listed(files.affinity_hint),
        "node": files.node,
        "managed": value,
        "managed_evidence": evidence,
        "fixed": proof,
    }


def _latest_files(machine, irq):
    from tophalf.host.readers.irqs import read_irq

    for _, root in reversed(machine.moments):
        files = read_irq(root, irq)
        if files.affinity is not None:
            return files
    return files


def outcome_rows(interrupts, outcomes):
    """One row a line that was to be changed."""
    return [_outcome_row(interrupts, outcome) for outcome in outcomes]


def _outcome_row(interrupts, outcome):
    landing = outcome.landing
    return {
        "irq": outcome.irq,
        "actions": _actions(interrupts, outcome.irq),
        "before": _listed(outcome.before),
        "after": _listed(outcome.after),
        "written": outcome.written,
        "refused": _line_of(outcome.refused),
        "effective_before": _listed(outcome.effective_before),
        "effective_after": _listed(landing.effective_affinity) if landing else None,
        "affinity_now": _listed(landing.affinity) if landing else None,
        "verdict": landing.verdict if landing else None,
        "inside": landing.inside if landing else None,
        "outside": landing.outside if landing else None,
        "per_cpu": {str(cpu): count for cpu, count in sorted(landing.per_cpu.items())} if landing else None,
        "watched_ns": landing.watched_ns if landing else None,
        "undo_left": outcome.left,
    }


def _line_of(refused):
    return refused.line() if refused else None


def planned_rows(root, interrupts, wanted):
    """What would be written. wanted: {irq: CPUs}."""
    from tophalf.host.steer.affinity import foreseen, marked_fixed
    from tophalf.host.steer.landing import masks

    return [
        {
            "irq": irq,
            "actions": _actions(interrupts, irq),
            "path": f"{root.prefix}/proc/irq/{irq}/smp_affinity",
            "before": _listed(masks(root, irq)[0]),
            "after": list(cpus),
            "text": format_mask(cpus),
            "read_only": marked_fixed(root, irq),
            "refused": _line_of(foreseen(root, irq, cpus)),
        }
        for irq, cpus in wanted.items()
    ]


def read_daemons_of(machine):
    """Facts with only the daemons in them."""
    from tophalf.host.read import read_facts

    return read_facts(machine.facts_root, ("daemons",))


def irqbalance_row(facts, irqs):
    """What irqbalance means for these lines: {"running"}, and where it runs {"pid", "interval_s", "banned", "not_banned",
    "arguments"} too.

    running is None where the process list is not recorded; banned: lines it was told to leave alone.
    """
    if facts.daemons is None or facts.daemons.get("irqbalance") is None:
        return {"running": None}
    daemon = facts.daemons["irqbalance"]
    if not daemon:
        return {"running": False}
    bans = set(daemon.bans or ())
    return {
        "running": True,
        "pid": daemon.pid,
        "interval_s": daemon.interval_s,
        "banned": [irq for irq in irqs if irq in bans],
        "not_banned": [irq for irq in irqs if irq not in bans],
        "arguments": list(daemon.arguments or ())[1:],
    }


def _line(interrupts, irq):
    return interrupts.lines.get(str(irq)) if interrupts else None


def _actions(interrupts, irq):
    line = _line(interrupts, irq)
    return list(line.actions) if line else []


def _listed(cpus):
    return None if cpus is None else list(cpus)
