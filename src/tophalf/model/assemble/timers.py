"""[[timer]] into timers of drivers."""

from tophalf.errors import TophalfError
from tophalf.model.timer.buildtimers import add_sampler

PERIOD_MIN_NS = 1000  # a function that is over when its timer comes again leaves nothing else to run


def add(builder, scenario, entry):
    """A timer on each of its CPUs. Raises: TophalfError."""
    if entry.period < PERIOD_MIN_NS:
        raise TophalfError(f"every {entry.period} ns is no period", entry.where("period"), f"give at least {PERIOD_MIN_NS} ns")
    for cpu in entry.cpus:
        cost = builder.cost(entry.cost, f"function of {entry.name} on {cpu} {len(builder.timers)}")
        add_sampler(builder, entry.name, entry.kind, cpu, entry.period, cost)
