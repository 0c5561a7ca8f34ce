"""The interrupts of a [[nic]]: a line for each queue, on its CPUs in turn, or where the kernel spreads them."""

from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model.assemble.lines import add_line, managed_lines, near_cpus, refuse_placement, set_hint
from tophalf.model.irq.builddevices import spend_program


def nic_lines(builder, nic):
    """A line for each queue, made. Those of the device's own events, which never come, stand before them."""
    events = [f"{nic.name}-event-{number}" for number in range(nic.event_lines)]
    names = events + [queue_name(nic, number) for number in range(nic.queues)]
    for number in range(nic.irq, nic.irq + len(names)):
        if number in builder.irqs:
            raise TophalfError(f"IRQ {number} is another device's already", nic.where("irq"), "choose other numbers")
    lines = _managed(builder, nic, names, len(events)) if nic.managed else _placed(builder, nic, names, len(events))
    for desc, name in zip(lines, events, strict=False):
        builder.action(desc, name, spend_program(builder, builder.cost(0, f"handler of {name}")))
    return lines[len(events) :]


def _managed(builder, nic, names, events):
    refuse_placement(nic, "cpus", "affinity", "affinity_hint")
    return managed_lines(builder, nic.irq, names, events)


def _placed(builder, nic, names, events):
    near, found = near_cpus(builder, nic.node), []
    for at, name in enumerate(names):
        cpu, affinity = _place(nic, at - events, near) if at >= events else (near[0], None)
        desc = add_line(builder, nic.irq + at, f.FLOW_EDGE, name, cpu, affinity, nic.node)
        if nic.affinity_hint and at >= events:
            set_hint(builder, desc, nic.affinity_hint[(at - events) % len(nic.affinity_hint)])
        found.append(desc)
    return found


def _place(nic, number, near):
    """(the CPU that a queue's line is delivered to, None for what the kernel chooses; CPUs that were written or None)."""
    affinity = nic.affinity[number % len(nic.affinity)] if nic.affinity else None
    if affinity is not None and nic.cpus is None:
        return None, affinity
    cpus = nic.cpus or near
    return cpus[number % len(cpus)], affinity


def queue_name(nic, number):
    """Of a queue's action."""
    return f"{nic.name}-rx-{number}"
