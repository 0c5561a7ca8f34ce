"""Remedies that several rules propose: moving lines, with the numbers of this machine."""

from tophalf.judge.findings import Remedy
from tophalf.vocab import cpu_list


def move_lines(case, placement, why):
    """A Remedy that delivers lines elsewhere. placement: [(LineView, CPU or tuple of CPUs)]; None when it is empty."""
    moves = [(view, cpus if isinstance(cpus, tuple) else (cpus,)) for view, cpus in placement]
    moves = [(view, cpus) for view, cpus in moves if view.mask != cpus]
    if not moves:
        return None
    risk = "the next interrupt still lands on the old CPU; caches of the new one start cold"
    daemon = irqbalance(case)
    if daemon:
        bans = " ".join(f"--banirq={view.irq}" for view, _ in moves)
        risk += f"; irqbalance runs (pid {daemon.pid}) and may move them back: start it with {bans}"
    return Remedy(
        commands=tuple(f"tophalf affinity {view.irq} {cpu_list(cpus)}" for view, cpus in moves),
        why=why,
        risk=risk,
        undo="; ".join(f"tophalf affinity {view.irq} {cpu_list(view.mask)}" for view, _ in moves),
    )


def irqbalance(case):
    """The running irqbalance, False when none runs, None when processes were not recorded."""
    daemons = case.facts.daemons if case.facts else None
    return daemons.get("irqbalance") if daemons else None


def spread(case, views):
    """[(LineView, CPU)]: one CPU a line, the busiest line first to the CPU with the least so far.

    A driver's hint of one CPU is followed while no other line has it. Else near the device: its node's CPUs.
    """
    load, placed = dict.fromkeys(case.irq_cpus, 0.0), []
    for view in sorted(views, key=lambda view: (-view.rate, view.irq)):
        choice = _choice(view, near(case, view), load)
        load[choice] = load.get(choice, 0.0) + max(view.rate, 1.0)
        placed.append((view, choice))
    return sorted(placed, key=lambda pair: pair[0].irq)


def _choice(view, cpus, load):
    hint = view.after.affinity_hint if view.after else None
    if hint and len(hint) == 1 and hint[0] in load and not load[hint[0]]:
        return hint[0]
    least = min(load.get(cpu, 0.0) for cpu in cpus)
    free = [cpu for cpu in cpus if load.get(cpu, 0.0) == least]
    return view.main_cpu if view.main_cpu in free else free[0]


def near(case, view):
    """CPUs for interrupts on the device's own node; all of them where that is not known."""
    node = node_of(view, case)
    nodes = case.topology.nodes if case.topology else None
    local = set((nodes or {}).get(node, ())) if node is not None else ()
    return tuple(cpu for cpu in case.irq_cpus if cpu in local) or case.irq_cpus


def node_of(view, case):
    """The NUMA node of a line's device, or None where there is none or it is not known."""
    pci = case.facts.pci.get(view.irq) if case.facts and case.facts.pci else None
    for node in (view.after.node if view.after else None, pci.node if pci else None):
        if node is not None and node >= 0:
            return node
    return None


def idlest(case, but=()):
    """The CPU for interrupts with most idle time that is not in `but`; None when there is no other."""
    cpus = [cpu for cpu in case.irq_cpus if cpu not in but]
    return max(cpus, key=lambda cpu: (case.idle_share(cpu) or 0.0, -cpu), default=None)
