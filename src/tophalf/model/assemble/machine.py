"""[machine] and [costs] into a Builder."""

from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model.build import COST_NAMES, Builder
from tophalf.scenario.costtable import load_cost_table
from tophalf.scenario.sections.costs import DRIVER

TICKS = {"always": 0, "idle": 1, "never": 2}


def make_builder(scenario, seed):
    """A Builder with the scenario's CPUs, kernel and costs."""
    machine, costs = scenario.one("machine"), costs_of(scenario)
    builder = Builder(
        seed, machine.cpus, machine.hz, machine.kernel, machine.preempt, TICKS[machine.tick], machine.threadirqs,
        {name: costs[name] for name in COST_NAMES},
    )  # fmt: skip
    builder.driver_costs = {name: costs[name] for name in DRIVER}
    builder.memory[f.G_NETDEV_BUDGET] = machine.netdev_budget
    builder.about |= {"irq_time_accounting": machine.irq_time_accounting, "isolated": machine.isolated, "nodes": _nodes(machine)}
    builder.about |= {"power_efficient": machine.power_efficient, "worker_creation_ns": machine.worker_creation}
    return builder


def _nodes(machine):
    """{node: CPUs}; {} for one node. Raises: TophalfError unless each CPU is in one."""
    if machine.nodes and sorted(cpu for cpus in machine.nodes for cpu in cpus) != list(range(machine.cpus)):
        do = f"share CPUs 0 to {machine.cpus - 1} out to nodes"
        raise TophalfError("not each CPU is in one node", machine.where("nodes"), do)
    return dict(enumerate(machine.nodes))


def costs_of(scenario):
    """{name: cost as Builder.cost takes it}: what [costs] says one by one, else its table."""
    given = scenario.one("costs")
    costs, _ = load_cost_table(given.table, scenario.path)
    return costs | {name: value for name, value in given.values.items() if name != "table" and value is not None}
