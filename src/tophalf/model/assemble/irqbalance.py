"""[[irqbalance]] into the daemon. On a machine with one CPU it ends at once, as the real one does."""

from tophalf.errors import TophalfError
from tophalf.model.balancer.daemon import add_irqbalance
from tophalf.model.orders.lines import find_line

SECOND_NS = 10**9


def add(builder, scenario, entry):
    """The daemon. Raises: TophalfError for a second one, or what it would not take."""
    if "irqbalance" in builder.about:
        raise TophalfError("irqbalance runs once", entry.where(), "leave one")
    if entry.interval % SECOND_NS:
        raise TophalfError("irqbalance takes whole seconds", entry.where("interval"), "round it")
    if len(builder.cpus) == 1:
        return
    banned = builder.about["isolated"] or builder.about["managed_irq"] if entry.banned_cpus is None else entry.banned_cpus
    free = [cpu for cpu in range(len(builder.cpus)) if cpu not in banned]
    if not free:
        raise TophalfError("no CPU is left for interrupts", entry.where("banned_cpus"), "leave one out")
    bans = tuple(sorted({find_line(builder, which, entry.where("banned_irqs")) for which in entry.banned_irqs}))
    cost, cpu = builder.cost(entry.cost, "irqbalance"), free[0] if entry.cpu is None else entry.cpu
    task = add_irqbalance(builder, entry.start, entry.interval, cpu, cost, bans, banned)
    builder.about["irqbalance"] = {
        "start_ns": entry.start, "interval_s": entry.interval // SECOND_NS, "bans": bans, "banned_cpus": entry.banned_cpus,
        "task": task,
    }  # fmt: skip
