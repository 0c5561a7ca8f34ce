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
        {name: costs[name] for name in COST_NAMES}, machine.interrupt_remapping, machine.irqaffinity or None,
        _housekeeping(machine),
    )  # fmt: skip
    builder.driver_costs = {name: costs[name] for name in DRIVER}
    builder.memory[f.G_NETDEV_BUDGET] = machine.netdev_budget
    builder.about |= {
        "irq_time_accounting": machine.irq_time_accounting, "isolated": machine.isolated, "managed_irq": machine.managed_irq,
        "irqaffinity": machine.irqaffinity or (), "interrupt_remapping": machine.interrupt_remapping,
        "nodes": dict(enumerate(_shared_out(machine, "nodes", "node"))), "cores": _shared_out(machine, "cores", "core"),
    }  # fmt: skip
    builder.about |= {"power_efficient": machine.power_efficient, "worker_creation_ns": machine.worker_creation}
    return builder


def _housekeeping(machine):
    """CPUs that managed interrupts are kept to, None for all (kernel/sched/isolation.c housekeeping_setup)."""
    if machine.managed_irq and machine.isolated and machine.managed_irq != machine.isolated:
        raise TophalfError("isolcpus= takes one set of CPUs", machine.where("managed_irq"), "make it the CPUs of isolated")
    rest = tuple(cpu for cpu in range(machine.cpus) if cpu not in machine.managed_irq)
    if not rest:
        raise TophalfError("no CPU is left for managed interrupts", machine.where("managed_irq"), "leave one out")
    return rest if machine.managed_irq else None


def _shared_out(machine, key, one):
    """The sets of CPUs of a key; () for none. Raises: TophalfError unless each CPU is in one."""
    sets = getattr(machine, key)
    if sets and sorted(cpu for cpus in sets for cpu in cpus) != list(range(machine.cpus)):
        do = f"share CPUs 0 to {machine.cpus - 1} out to {key}"
        raise TophalfError(f"not each CPU is in one {one}", machine.where(key), do)
    return sets


def costs_of(scenario):
    """{name: cost as Builder.cost takes it}: what [costs] says one by one, else its table."""
    given = scenario.one("costs")
    try:
        costs, _ = load_cost_table(given.table, scenario.path)
    except TophalfError as error:
        raise TophalfError(f"{error.where}: {error.what}", given.where("table"), error.do) from None
    return costs | {name: value for name, value in given.values.items() if name != "table" and value is not None}
