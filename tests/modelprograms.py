"""Short ways to write programs for tests of the model."""

from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.ground.program import Assembler
from tophalf.model.irq.builddevices import add_device


def program(builder, *instructions):
    """The address of a program: instructions as tuples, texts as labels; "start" is the first."""
    code = Assembler()
    code.label("start")
    for instruction in instructions:
        if isinstance(instruction, str):
            code.label(instruction)
        else:
            code(*instruction)
    return builder.program(code)["start"]


def at_times(builder, irq, times, *instructions, cpu=0):
    """A device whose handler does `instructions` at each of `times`, ns. Returns its line."""
    desc = builder.irq(irq, cpu)
    add_device(builder, f"dev{irq}", desc, False, ("times", times))
    builder.action(desc, f"dev{irq}", program(builder, *instructions, (ops.OP_RET, f.IRQ_HANDLED)), flags=f.IRQF_NO_THREAD)
    return desc


def busy(builder, name="app", cpu=0, **how):
    """A task that only computes."""
    return builder.task(name, cpu, program(builder, (ops.OP_SPEND_NS, 10**9), (ops.OP_JUMP, "start")), **how)


def times_of(table, kind, **columns):
    """Times in ns of the events of a kind, with the values given."""
    mask = table.kind == kind
    for column, value in columns.items():
        mask &= getattr(table, column) == value
    return table.time_ns[mask].tolist()


def run(builder, until_ns, trace_rows=5000):
    """Run and return (world, table)."""
    from tophalf.model.table import event_table

    world = builder.world(trace_rows)
    world.run(until_ns)
    return world, event_table(world)
