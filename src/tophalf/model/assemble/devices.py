"""[[device]] into devices on lines, their handlers and what those defer."""

from tophalf import vocab
from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.assemble.flows import arrivals_of, even_rates
from tophalf.model.assemble.lines import add_line, managed_lines, near_cpus, refuse_placement, set_hint
from tophalf.model.assemble.works import find_workqueue
from tophalf.model.ground.program import Assembler
from tophalf.model.irq.builddevices import add_device, add_tasklet, add_threaded_action, spend_program
from tophalf.model.work import workops
from tophalf.model.work.buildwork import add_work

FLOWS = {"edge": f.FLOW_EDGE, "level": f.FLOW_LEVEL, "fasteoi": f.FLOW_FASTEOI}


def add(builder, scenario, entry):
    """One device with a line or several; the first device of a line makes it."""
    names = _names(entry)
    lines = _lines(builder, entry, names)
    if len(names) > 1:
        builder.about.setdefault("line_devices", {}).update(dict.fromkeys(range(entry.irq, entry.irq + len(names)), entry.name))
    for name, desc in zip(names[: entry.event_lines], lines, strict=False):
        builder.action(desc, name, spend_program(builder, builder.cost(entry.handler_cost, f"handler of {name}")))
    sources = [
        builder.memory[_add_queue(builder, entry, name, lines[entry.event_lines + number], number) + f.V_SOURCE]
        for number, name in enumerate(names[entry.event_lines :])
    ]
    if all(sources):
        builder.about.setdefault("sources", {})[entry.name] = entry.arrivals, sources, lambda rate: even_rates(rate, entry.queues)


def _names(entry):
    """Of each line's action: with several as NVMe has them, nvme0q0, nvme0q1 and on."""
    count = entry.event_lines + entry.queues
    return [entry.name] if count == 1 else [f"{entry.name}q{number}" for number in range(count)]


def _add_queue(builder, entry, name, desc, number):
    """What comes by one line, and who serves it. Returns the device's part."""
    arrivals = arrivals_of(entry, number, entry.queues) if entry.rate or entry.arrivals == "times" else None
    device = add_device(builder, name, desc, entry.flow != "edge", arrivals)
    deferred = _deferred(builder, entry, name)
    handler = _handler(builder, entry, name, device, deferred)
    if entry.defer == "thread":
        add_threaded_action(builder, desc, name, deferred, handler, oneshot=entry.oneshot)
    else:
        builder.action(desc, name, handler)
    return device


def _lines(builder, entry, names):
    """The lines. Raises: TophalfError where devices of one line do not agree, or a managed one is placed."""
    there = [builder.irqs.get(entry.irq + at) for at in range(len(names))]
    if any(there):
        return [share_line(builder, entry, names, desc) for desc in there]
    if entry.managed:
        refuse_placement(entry, "cpu", "affinity")
        if entry.flow != "edge":
            raise TophalfError("only messages can be managed", entry.where("managed"), "leave managed out, or make its flow edge")
        lines = managed_lines(builder, entry.irq, names, entry.event_lines)
    else:
        near = near_cpus(builder)
        cpu = entry.cpu if entry.cpu is not None else None if entry.affinity else near[0]
        flow = FLOWS[entry.flow]
        lines = [add_line(builder, entry.irq + at, flow, name, cpu, entry.affinity) for at, name in enumerate(names)]
    for desc in lines:
        set_hint(builder, desc, entry.affinity_hint)
    return lines


def share_line(builder, entry, names, desc):
    nic = next((queue for queue in builder.queues if builder.memory[queue + f.Q_DESC] == desc), None)
    if nic is not None:
        name = builder.memory.strings[builder.memory[nic + f.Q_NAME]]
        raise TophalfError(f"IRQ {entry.irq} is a queue of {name}, whose messages none shares", entry.where("irq"), "choose one")
    if len(names) > 1:
        raise TophalfError(f"IRQ {entry.irq} is another device's already", entry.where("irq"), "choose other numbers")
    if builder.memory[desc + f.D_FLOW] != FLOWS[entry.flow]:
        raise TophalfError("devices of one line must agree on its flow", entry.where("flow"), "make them equal")
    for key in ("affinity", "affinity_hint", "managed"):
        if key in entry.given:
            raise TophalfError("the first device of a line places it", entry.where(key), f"say {key} there")
    return desc


def _deferred(builder, entry, name):
    """The program of the deferred part, or the tasklet or work item that runs it; 0 for none."""
    if entry.defer == "nothing":
        return 0
    program = spend_program(builder, builder.cost(entry.deferred_cost, f"deferred by {name}"))
    if entry.defer == "work":
        return add_work(builder, f"{name}_work", program)
    return add_tasklet(builder, f"{name}_tasklet", program) if "tasklet" in entry.defer else program


def _handler(builder, entry, name, device, deferred):
    """Asks the device whether it was it, does its part, acknowledges, defers."""
    code = Assembler()
    code.label("handler")
    code(ops.OP_DEVICE_READ, device)
    code(ops.OP_JUMP_ZERO, f.F_R1, "none")
    code(ops.OP_SPEND, builder.cost(entry.handler_cost, f"handler of {name}"))
    if entry.acknowledge:
        code(ops.OP_DEVICE_ACK, device)
    if "tasklet" in entry.defer:
        code(ops.OP_TASKLET_SCHEDULE, deferred, vocab.HI if entry.defer == "hi_tasklet" else vocab.TASKLET)
    if entry.defer == "work":
        code(workops.OP_QUEUE_WORK, deferred, find_workqueue(builder, entry))
    if entry.answer == "handled":
        code(ops.OP_RET, f.IRQ_WAKE_THREAD if entry.defer == "thread" else f.IRQ_HANDLED)
    code.label("none")
    code(ops.OP_RET, f.IRQ_NONE)
    return builder.program(code)["handler"]
