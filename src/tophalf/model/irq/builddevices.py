"""Devices, threaded handlers and tasklets of a world that is being built."""

from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.ground.program import Assembler
from tophalf.model.irq.requestirq import request_threaded_irq

TEXT_BASE = 0xFFFF_FFFF_C000_0000  # where the functions of modules lie, as traces show them
HEAP_BASE = 0xFFFF_8880_0200_0000


def add_device(builder, name, desc, level=False, arrivals=None, cpu=None):
    """A device on a line, which it signals at its times (None: only when triggered). cpu: the number of the one that a per-CPU
    line's device belongs to. Returns its address."""
    m = builder.memory
    device = m.take(f.DEVICE_SIZE)
    m[device + f.V_DESC], m[device + f.V_LEVEL] = desc, int(level)
    m[device + f.V_CPU] = 0 if cpu is None else builder.cpus[cpu]
    builder.timer(device + f.V_TIMER, f.ON_DEVICE, device)
    if arrivals:
        source = m[device + f.V_SOURCE] = m.take(f.QUEUE_SIZE)
        builder.set_arrivals(source, f"device {name}", *arrivals)
    builder.devices.append(device)
    return device


def add_threaded_action(builder, desc, name, thread, handler=None, argument=0, oneshot=False, flags=f.IRQF_SHARED):
    """request_threaded_irq: `thread` is a program run by irq/N-name, FIFO 50; handler None: the default one, which wakes it."""
    return request_threaded_irq(builder, desc, name, handler, thread, argument, flags | (f.IRQF_ONESHOT if oneshot else 0))


def add_tasklet(builder, name, program, argument=0):
    """A tasklet whose function `name` is `program`. Returns its address."""
    m = builder.memory
    tasklet = m.take(f.TASKLET_SIZE)
    m[tasklet + f.TL_PROGRAM], m[tasklet + f.TL_ARG] = program, argument
    m[tasklet + f.TL_FUNCTION] = add_function(builder, name)
    m[tasklet + f.TL_ADDRESS] = HEAP_BASE + tasklet * 8 - (1 << 64)
    return tasklet


def add_function(builder, name):
    """The address under which the trace shows a function, as a signed number."""
    for address, known in builder.functions.items():
        if known == name:
            return address - (1 << 64)
    address = TEXT_BASE + len(builder.functions) * 0x100
    builder.functions[address] = name
    return address - (1 << 64)


def spend_program(builder, cost, result=f.IRQ_HANDLED, before=()):
    """A program that does `before` (instructions), takes a cost's time and returns. Returns its address."""
    code = Assembler()
    code.label("start")
    for instruction in before:
        code(*instruction)
    code(ops.OP_SPEND, cost)
    code(ops.OP_RET, result)
    return builder.program(code)["start"]


def add_call(builder, program, argument=0):
    """A function that `smpcall` can have another CPU call: `program`, whose F_ARG is `argument`. Returns its address."""
    m = builder.memory
    csd = m.take(f.CSD_SIZE)
    m[csd + f.CSD_PROGRAM], m[csd + f.CSD_ARG] = program, argument
    return csd
