"""[machine] and [costs] into a Builder."""

from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model.build import COST_NAMES, Builder

TICKS = {"always": 0, "idle": 1, "never": 2}
# Assumed: of the order measured on x86 servers; to be overridden by [costs]
DEFAULT_COSTS_NS = {
    "irq_entry": 300, "irq_exit": 200, "softirq_entry": 100, "syscall": 200, "page_fault": 700, "context_switch": 1_500,
    "ipi": 800, "timer_tick": 1_500,
}  # fmt: skip


def make_builder(scenario, seed):
    """A Builder with the scenario's CPUs, kernel and costs."""
    machine = scenario.one("machine")
    builder = Builder(
        seed, machine.cpus, machine.hz, machine.kernel, machine.preempt, TICKS[machine.tick], machine.threadirqs, costs_of(scenario)
    )
    builder.memory[f.G_NETDEV_BUDGET] = machine.netdev_budget
    builder.about |= {"irq_time_accounting": machine.irq_time_accounting, "isolated": machine.isolated, "nodes": _nodes(machine)}
    return builder


def _nodes(machine):
    """{node: CPUs}; {} for one node. Raises: TophalfError unless each CPU is in one."""
    if machine.nodes and sorted(cpu for cpus in machine.nodes for cpu in cpus) != list(range(machine.cpus)):
        do = f"share CPUs 0 to {machine.cpus - 1} out to nodes"
        raise TophalfError("not each CPU is in one node", machine.where("nodes"), do)
    return dict(enumerate(machine.nodes))


def costs_of(scenario):
    """{name of COST_NAMES: cost as Builder.cost takes it}: what [costs] says, else the default."""
    given = scenario.one("costs").values
    return {name: ("constant", DEFAULT_COSTS_NS[name]) if given.get(name) is None else given[name] for name in COST_NAMES}
