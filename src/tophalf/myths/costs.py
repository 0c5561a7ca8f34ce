"""Which costs a scenario stands on, and the same scenario with one of them halved or doubled.

The kernel's costs (`tophalf costs`) and those that a scenario gives its devices. Left out: what tasks compute, which is the load;
what keys of devices cost that a scenario leaves to their defaults; two costs at a time.
"""

import copy

DRIVER = ("handler", "poll", "packet")  # of [costs], where a NIC does not give its own
LOADS = ("task", "app", "job", "call")  # sections whose costs are what somebody wants done
FACTORS = (0.5, 2)


def costs_in(scenario):
    """Names of the costs that are not 0: costs.irq_entry, nic.packet_cost, ... in order."""
    from tophalf.model.assemble.machine import costs_of

    names = [f"costs.{name}" for name, cost in costs_of(scenario).items() if cost[1] and _enters(scenario, name)]
    for section, entry, key in _given(scenario):
        name = f"{section}.{key}"
        if entry.values[key] and entry.values[key][1] and name not in names:
            names.append(name)
    return names


def _enters(scenario, name):
    """Whether a scenario has anything that could pay one of [costs]."""
    if name in DRIVER:
        return any(f"{name}_cost" not in nic.given for nic in scenario.all("nic"))
    if name == "page_fault":
        return any(task.fault for task in scenario.all("task"))
    if name == "syscall":
        return bool(scenario.all("app") or scenario.all("call")) or any(task.syscall for task in scenario.all("task"))
    return name != "ipi" or scenario.one("machine").cpus > 1


def _given(scenario):
    """(section, Entry, key) of costs that stand in a scenario's tables."""
    from tophalf.scenario.sections import SECTIONS

    for name, section in SECTIONS.items():
        if section.many and name not in LOADS:
            for entry in scenario.all(name):
                yield from ((name, entry, key) for key, spec in section.keys.items() if spec.kind == "cost" and key in entry.given)


def scaled(scenario, name, factor):
    """The Scenario with one cost times a factor, in all tables that give it."""
    from tophalf.model.assemble.machine import costs_of

    section, key = name.split(".")
    if section == "costs":
        changed = _with(scenario.one("costs"), key, times(costs_of(scenario)[key], factor))
        return scenario.replace(sections=scenario.sections | {"costs": changed})
    entries = tuple(_times_own(entry, key, factor) for entry in scenario.all(section))
    return scenario.replace(sections=scenario.sections | {section: entries})


def _times_own(entry, key, factor):
    return _with(entry, key, times(entry.values[key], factor)) if key in entry.given else entry


def _with(entry, key, value):
    changed = copy.copy(entry)
    changed.values = entry.values | {key: value}
    return changed


def times(cost, factor):
    """A cost as Builder.cost takes it, times a factor: its mean, or each of its measured times."""
    kind, value, *rest = cost
    if kind == "empirical":
        return (kind, tuple(round(each * factor) for each in value), *rest)
    return (kind, round(value * factor), *rest)
