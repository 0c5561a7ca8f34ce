"""A scenario as a Builder with everything in it."""

from tophalf.model.assemble import (
    at,
    background,
    calls,
    devices,
    disks,
    drivers,
    irqbalance,
    machine,
    nics,
    nmis,
    stack,
    steps,
    tasks,
    timers,
    works,
)

# Section: what puts its tables into a Builder. In this order: later ones may name what earlier ones made.
ASSEMBLERS = (
    ("workqueue", works.add_queue), ("nic", nics.add), ("device", devices.add), ("driver", drivers.add), ("disk", disks.add),
    ("timer", timers.add), ("work", works.add), ("task", tasks.add), ("call", calls.add), ("job", disks.add_jobs),
    ("app", stack.add_app), ("irqbalance", irqbalance.add), ("at", at.add),
)  # fmt: skip


def assemble(scenario, seed):
    """The Builder of a scenario. Raises: TophalfError for what no machine can have."""
    builder = machine.make_builder(scenario, seed)
    background.begin(builder, scenario)
    nmis.begin(builder, scenario)
    steps.begin(builder, scenario)
    for section, add in ASSEMBLERS:
        for entry in scenario.all(section):
            add(builder, scenario, entry)
    steps.end(builder, scenario)
    return builder


def describe_error(error, entry, key=None):
    """The error of a Builder with the line of the scenario that asked for it."""
    return type(error)(error.what, f"{entry.where(key)}: {error.where}" if error.where else entry.where(key), error.do)
