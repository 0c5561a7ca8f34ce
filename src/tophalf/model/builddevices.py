"""Devices, threaded handlers and tasklets of a world that is being built."""

from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.program import Assembler

IRQ_THREAD_PRIORITY = 50  # kernel/sched/syscalls.c sched_set_fifo: MAX_RT_PRIO / 2
TEXT_BASE = 0xFFFF_FFFF_C000_0000  # where the functions of modules lie, as traces show them
HEAP_BASE = 0xFFFF_8880_0200_0000
COMM_SIZE = 15


def add_device(builder, name, desc, level=False, arrivals=None):
    """A device on a line, which it signals at its times (None: only when triggered). Returns its address."""
    m = builder.memory
    device = m.take(f.DEVICE_SIZE)
    m[device + f.V_DESC], m[device + f.V_LEVEL] = desc, int(level)
    builder.timer(device + f.V_TIMER, f.ON_DEVICE, device)
    if arrivals:
        source = m[device + f.V_SOURCE] = m.take(f.QUEUE_SIZE)
        builder.set_arrivals(source, f"device {name}", *arrivals)
    builder.devices.append(device)
    return device


def add_threaded_action(builder, desc, name, thread, handler=None, argument=0, cpu=0, oneshot=False, forced=False):
    """request_threaded_irq: `thread` is a program run by irq/N-name, FIFO 50; handler None: the default one, which needs oneshot.

    forced: the thread runs what was made for the hardirq (threadirqs), bottom halves off. Raises: TophalfError as the kernel
    refuses with -EINVAL.
    """
    m, number = builder.memory, builder.memory[desc + f.D_IRQ]
    if handler is None and not oneshot and not forced:
        raise TophalfError("a threaded handler without a primary one needs oneshot", f"IRQ {number} {name}", "add oneshot")
    if m[desc + f.D_ACTIONS] and bool(m[desc + f.D_ONESHOT]) != (oneshot or forced):
        raise TophalfError("actions of a shared line must agree on oneshot", f"IRQ {number} {name}", "make them equal")
    action = builder.action(desc, name, handler or builder.routines["default_primary_handler"], argument)
    task = builder.task(
        f"irq/{number}-{name}"[:COMM_SIZE], cpu, "irq_thread", f.IRQ_THREAD, f.FIFO, IRQ_THREAD_PRIORITY, True, asleep=True
    )
    m[m[task + f.K_FRAME] + f.F_ARG] = action
    m[action + f.A_TASK], m[action + f.A_THREAD] = task, thread
    m[action + f.A_FLAGS] = f.FORCED_THREAD if forced else 0
    if oneshot or forced:
        m[desc + f.D_ONESHOT] = 1
        m[action + f.A_MASK] = 1 << action_count(builder, desc) - 1
    return action


def action_count(builder, desc):
    """How many actions a line has."""
    action, count = builder.memory[desc + f.D_ACTIONS], 0
    while action:
        action, count = builder.memory[action + f.A_NEXT], count + 1
    return count


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
