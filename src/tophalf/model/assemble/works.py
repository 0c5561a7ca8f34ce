"""[[workqueue]] and [[work]] into workqueues, items with their functions, and what queues them."""

from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.assemble.flows import arrivals_of
from tophalf.model.ground.program import Assembler
from tophalf.model.work import workfields as g
from tophalf.model.work import workops
from tophalf.model.work.buildwork import FLAGS, SYSTEM, add_source, add_work, add_workqueue, system_workqueue, workqueues


def add_queue(builder, scenario, entry):
    """One workqueue."""
    if entry.name in names(builder):
        raise TophalfError(f"a second workqueue {entry.name}", entry.where("name"), "give it another name")
    if entry.name in SYSTEM:
        raise TophalfError(f"{entry.name} is the kernel's own", entry.where("name"), "give it another name")
    flags, scope = 0, None if entry.affinity_scope == "default" else entry.affinity_scope
    for flag in entry.flags:
        flags |= FLAGS[flag]
    try:
        add_workqueue(builder, entry.name, flags, entry.max_active, scope)
    except TophalfError as error:
        raise TophalfError(error.what, entry.where("flags"), error.do) from None


def names(builder):
    """{name: address} of the workqueues of [[workqueue]]."""
    own = set(workqueues(builder).system.values())
    return {name: wq for wq, name in workqueues(builder).queues.items() if wq not in own}


def find_workqueue(builder, entry):
    """The workqueue that an entry names. Raises: TophalfError."""
    found = names(builder).get(entry.workqueue)
    if found is None and entry.workqueue not in SYSTEM:
        do = f"add a [[workqueue]], or name one of {', '.join(SYSTEM)}"
        raise TophalfError(f"there is no workqueue {entry.workqueue}", entry.where("workqueue"), do)
    try:
        return found or system_workqueue(builder, entry.workqueue)
    except TophalfError as error:
        raise TophalfError(error.what, entry.where("workqueue"), error.do) from None


def add(builder, scenario, entry):
    """The items of one function, and what queues them."""
    items, wq = _items(builder, scenario), find_workqueue(builder, entry)
    _write_function(builder, entry, items, wq)
    if not entry.rate and entry.arrivals != "times":
        return
    delay = -(-entry.delay // builder.memory[f.G_HZ_NS])
    context = "hrtimer" if entry.context == "hardirq" else entry.context
    source = add_source(builder, entry.name, items[entry.name], wq, arrivals_of(entry), entry.cpu, entry.on, delay, context)
    if context == "task":
        _add_queueing_task(builder, entry, source)


def _items(builder, scenario):
    """{name: addresses} of the items of all [[work]], without their functions yet: items may name one another."""
    known = workqueues(builder)
    if not known.named:
        for entry in scenario.all("work"):
            if entry.name in known.named:
                raise TophalfError(f"a second work {entry.name}", entry.where("name"), "give it another name")
            known.named[entry.name] = [add_work(builder, entry.name, 0) for _ in range(entry.items)]
            known.queue_of[entry.name] = find_workqueue(builder, entry)
    return known.named


def _write_function(builder, entry, items, wq):
    """What the items do, the same for all of them."""
    code = Assembler()
    code.label("function")
    in_softirq = builder.memory[wq + g.WQ_FLAGS] & g.WQ_BH
    for at, (verb, what) in enumerate(entry.steps):
        if in_softirq and verb in ("sleep", "flush", "cancel"):
            raise TophalfError(f"an item of a BH workqueue cannot sleep, as {verb} does", entry.where("steps"), "use another one")
        _write_step(builder, code, entry, at, verb, what, items)
    code(ops.OP_RET)
    program = builder.program(code)["function"]
    for item in items[entry.name]:
        builder.memory[item + g.X_PROGRAM] = program


def _write_step(builder, code, entry, at, verb, what, items):
    if verb == "run":
        code(ops.OP_SPEND, builder.cost(what, f"step {at} of {entry.name}"))
    elif verb == "sleep":
        code(ops.OP_SLEEP, what)
    elif what not in items:
        raise TophalfError(f"there is no work {what}", entry.where("steps"), f"name one of {', '.join(items)}")
    elif what == entry.name and verb in ("flush", "cancel"):
        raise TophalfError("an item that waits for itself waits for ever", entry.where("steps"), f"{verb} another one")
    else:
        for item in items[what]:
            _write_call(builder, code, verb, item, builder.workqueues.queue_of[what])


def _write_call(builder, code, verb, item, wq):
    if verb == "queue":
        code(workops.OP_QUEUE_WORK, item, wq)
    elif verb == "flush":
        code(workops.OP_FLUSH_WORK, item)
    else:
        code(workops.OP_CANCEL_WORK_SYNC, item, workops.DELAYED)


def _add_queueing_task(builder, entry, source):
    code = Assembler()
    code.label("start")
    code(workops.OP_WAIT_ARRIVAL, source)
    code(ops.OP_JUMP, "start")
    builder.task(f"queues-{entry.name}"[:15], entry.cpu, builder.program(code)["start"], kernel_thread=True)
