"""Tasks of a world that is being built which enter functions of its drivers."""

from tophalf.frozen import Frozen
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.code import callfields as k
from tophalf.model.code import waitops as w
from tophalf.model.ground.program import Assembler


class Call(Frozen):
    """name: of its tasks; device, function: names of what they enter; address: where it is counted."""

    __slots__ = ("name", "device", "function", "address")


def add_call(builder, name, device, function, arguments=()):
    """What tasks of `add_caller` enter. device: an objects.Device, whose probe is over. Returns (Call, the program's address).

    Raises: TophalfError for what the model does not run.
    """
    m = builder.memory
    parameters = device.generator.driver.functions[function].args.args
    program = device.generator.entry(function, (device, *arguments) if parameters else ())
    call = Call(name=name, device=device.name, function=function, address=m.take(k.CALL_SIZE))
    m[call.address + k.CL_HISTOGRAM] = m.take(f.HISTOGRAM_SIZE)
    builder.calls.append(call)
    return call, program


def add_caller(builder, call, program, cpu, arrivals=None, run=0, sleep_ns=0, **task):
    """A task that calls over and over. arrivals: as set_arrivals takes them, None for one after the other; run: the address of a
    cost, 0 for none; task: as Builder.task has it. Returns the task."""
    m, code = builder.memory, Assembler()
    began = m.take(1)
    code.label("start")
    if run:
        code(ops.OP_SPEND, run)
    if arrivals:
        source = m.take(f.QUEUE_SIZE)
        builder.set_arrivals(source, f"call {call.name} {source}", *arrivals)
        code(w.CODE_CALL_NEXT, source)
    code(w.CODE_CALL_BEGIN, call.address, began)
    code(ops.OP_SYSCALL, program)
    code(w.CODE_CALL_END, call.address, began)
    if sleep_ns:
        code(ops.OP_SLEEP, sleep_ns)
    code(ops.OP_JUMP, "start")
    return builder.task(call.name, cpu, builder.program(code)["start"], **task)
