"""[nmi] into a counter on each of its CPUs."""

from tophalf.errors import TophalfError
from tophalf.model.irq.buildnmi import add_nmi


def begin(builder, scenario):
    """Nothing where no rate is said. Raises: TophalfError for a handler that takes no time, or all of it."""
    section = scenario.one("nmi")
    if not section.rate:
        return
    if section.cost[0] != "empirical" and not 0 < section.cost[1] < 10**9 // section.rate:
        what = "its handler must take some time, and less than from one NMI to the next"
        raise TophalfError(what, section.where("cost"), f"give it less than {10**9 // section.rate} ns")
    for cpu in section.cpus if section.cpus is not None else range(len(builder.cpus)):
        add_nmi(builder, cpu, 10**9 // section.rate, builder.cost(section.cost, f"nmi on {cpu}"))
