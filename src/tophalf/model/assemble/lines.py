"""Lines with the CPUs that they may come to: asked for, managed by the kernel, or nobody's choice.

kernel/irq/manage.c irq_setup_affinity: what nobody placed may come to the default mask (irqaffinity=), with several nodes to its
CPUs near the device. A CPU that is named outside of those stands for a mask that somebody wrote.
"""

from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model.assemble.spread import group_cpus_evenly, irq_create_affinity_masks
from tophalf.model.irq import managefields as g
from tophalf.model.irq.buildmanage import cpu_mask


def default_cpus(builder):
    """CPUs of the default mask."""
    return builder.about["irqaffinity"] or tuple(range(len(builder.cpus)))


def near_cpus(builder, node=None):
    """CPUs for what nobody places: of the default mask, and of the device's node where that leaves any."""
    default = default_cpus(builder)
    return tuple(cpu for cpu in default if cpu in builder.about["nodes"].get(node, ())) or default


def add_line(builder, number, flow, name, cpu, affinity=None, node=None):
    """A line that is delivered to CPU number `cpu`. affinity: CPUs that somebody wrote, or None. Returns its address."""
    near = near_cpus(builder, node)
    if affinity is None:
        affinity = near if cpu in near else (cpu,)
    elif cpu not in affinity:
        cpu = None
    return builder.irq(number, cpu, flow, name, affinity)


def managed_lines(builder, first, names, before=0):
    """Lines of messages from number `first` on, spread over all CPUs by the kernel, but for `before` that are the device's own.

    Returns: their addresses.
    """
    cpus = range(len(builder.cpus))
    node_of = {cpu: node for node, members in builder.about["nodes"].items() for cpu in members} or dict.fromkeys(cpus, 0)
    siblings = {cpu: core for core in builder.about["cores"] for cpu in core} or {cpu: (cpu,) for cpu in cpus}
    masks = irq_create_affinity_masks(
        len(names), lambda groups: group_cpus_evenly(groups, node_of, siblings), default_cpus(builder), before
    )
    lines = enumerate(zip(names, masks, strict=True), first)
    return [builder.irq(number, None, name=name, affinity=mask, managed=managed) for number, (name, (mask, managed)) in lines]


def set_hint(builder, desc, cpus):
    """irq_update_affinity_hint: what the driver advises; None: nothing."""
    if cpus is not None:
        builder.memory[builder.memory[desc + f.D_MANAGE] + g.I_HINT] = cpu_mask(builder, cpus)


def refuse_placement(entry, *keys):
    """Raises: TophalfError for a managed line that a key places."""
    for key in keys:
        if key in entry.given:
            raise TophalfError("the kernel places managed interrupts", entry.where(key), f"leave {key} or managed out")
