"""[[device]] into devices on lines, their handlers and what those defer."""

from tophalf import vocab
from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model import ops, workops
from tophalf.model.assemble.flows import arrivals_of
from tophalf.model.assemble.works import find_workqueue
from tophalf.model.builddevices import add_device, add_tasklet, add_threaded_action, spend_program
from tophalf.model.buildwork import add_work
from tophalf.model.program import Assembler

FLOWS = {"edge": f.FLOW_EDGE, "level": f.FLOW_LEVEL, "fasteoi": f.FLOW_FASTEOI}


def add(builder, scenario, entry):
    """One device; the first of its irq makes the line."""
    desc = builder.irqs.get(entry.irq) or builder.irq(entry.irq, entry.cpu, FLOWS[entry.flow], entry.name)
    if builder.memory[desc + f.D_FLOW] != FLOWS[entry.flow]:
        raise TophalfError("devices of one line must agree on its flow", entry.where("flow"), "make them equal")
    arrivals = arrivals_of(entry) if entry.rate or entry.arrivals == "times" else None
    device = add_device(builder, entry.name, desc, entry.flow != "edge", arrivals)
    deferred = _deferred(builder, entry)
    handler = _handler(builder, entry, device, deferred)
    if entry.defer == "thread":
        add_threaded_action(builder, desc, entry.name, deferred, handler, oneshot=entry.oneshot)
    else:
        builder.action(desc, entry.name, handler)


def _deferred(builder, entry):
    """The program of the deferred part, or the tasklet or work item that runs it; 0 for none."""
    if entry.defer == "nothing":
        return 0
    program = spend_program(builder, builder.cost(entry.deferred_cost, f"deferred by {entry.name}"))
    if entry.defer == "work":
        return add_work(builder, f"{entry.name}_work", program)
    return add_tasklet(builder, f"{entry.name}_tasklet", program) if "tasklet" in entry.defer else program


def _handler(builder, entry, device, deferred):
    """Asks the device whether it was it, does its part, acknowledges, defers."""
    code = Assembler()
    code.label("handler")
    code(ops.OP_DEVICE_READ, device)
    code(ops.OP_JUMP_ZERO, f.F_R1, "none")
    code(ops.OP_SPEND, builder.cost(entry.handler_cost, f"handler of {entry.name}"))
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
