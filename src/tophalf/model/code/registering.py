"""What probe tells the kernel of: lines' handlers, tasklets, works, softirqs, threads, workqueues.

Each function takes the Probe, the call's node and its arguments: ints, Devices, Objects, names of functions.
"""

import errno

from tophalf.model import fields as f
from tophalf.model.code import codefields as k
from tophalf.model.code import napicalls, timingcalls
from tophalf.model.code.buildhardware import register
from tophalf.model.code.buildregister import add_kthread, identity, irq_programs, is_invalid, own_workqueue, run_program
from tophalf.model.code.objects import Device, Object
from tophalf.model.code.waitfields import CP_DONE
from tophalf.model.irq import requestirq
from tophalf.model.irq.builddevices import add_function
from tophalf.model.work import workfields as g


def _request_irq(probe, node, number, handler, flags, name, device):
    return _request_threaded_irq(probe, node, number, handler, 0, flags, name, device)


def _request_threaded_irq(probe, node, number, handler, thread, flags, name, device):
    builder, generator = probe.generator.builder, probe.generator
    line = builder.irqs.get(number)
    if line is None or number < 0 or is_invalid(flags, device):
        error = _invalid(line, number, name)
        probe.refused = probe.refusal(error, node.lineno)
        return -error.errno
    programs = irq_programs(generator, handler, thread, number, device)
    try:
        requestirq.request_threaded_irq(builder, line, name, *programs, identity(device), flags)
    except requestirq.RequestError as error:
        probe.refused = probe.refusal(error, node.lineno)
        return -error.errno
    return 0


def _invalid(line, number, name):
    """What request_threaded_irq says of its arguments before it looks at the line."""
    where = f"IRQ {number} {name}"
    if line is None or number < 0:
        return requestirq.RequestError(errno.EINVAL, "there is no such line", where, "ask for dev.irq")
    do = "give a shared line a device, last, and flags that go together"
    return requestirq.RequestError(errno.EINVAL, "flags and arguments that do not go together", where, do)


def _tasklet_setup(probe, node, tasklet, function):
    m = probe.memory
    m[tasklet.address + f.TL_PROGRAM] = run_program(probe.generator, tasklet, function)
    m[tasklet.address + f.TL_FUNCTION] = add_function(probe.generator.builder, function)
    return 0


def _init_work(probe, node, work, function):
    m = probe.memory
    m[work.address + g.X_PROGRAM] = run_program(probe.generator, work, function)
    m[work.address + g.X_FUNCTION] = add_function(probe.generator.builder, function)
    return 0


def _open_softirq(probe, node, number, function):
    if not 0 <= number < f.SOFTIRQ_COUNT:
        probe.refuse(node, f"there is no softirq {number}", f"name one, of {f.SOFTIRQ_COUNT}")
    probe.memory[probe.memory[f.G_ACTIONS] + number] = probe.generator.entry(function, ())
    return 0


def _kthread_run(probe, node, function, device, name):
    return Object("task", name, device, add_kthread(probe.generator, function, device, name)[0])


def _alloc_workqueue(probe, node, name, flags, max_active=0, ordered=False):
    return own_workqueue(probe.generator, name, flags, max_active, ordered)


def _alloc_ordered_workqueue(probe, node, name, flags):
    return _alloc_workqueue(probe, node, name, flags, ordered=True)


def _register(probe, node, device, number):
    """Where the words of a register lie."""
    if not isinstance(device, Device) or not device.registers or not 0 <= number < probe.memory[device.registers + k.R_COUNT]:
        probe.refuse(node, f"the device has no register {number:#x}", "see what it has")
    return register(device.registers, number)


def _read_reg(probe, node, device, number):
    """Before the run nothing has arrived."""
    place = _register(probe, node, device, number)
    return probe.memory[place + k.REGISTER_WORD] if not probe.memory[place + k.REGISTER_ROLE] & (k.DATA | k.PRODUCED) else 0


def _write_reg(probe, node, device, number, value):
    """What it starts begins with the run."""
    m, place, registers = probe.memory, _register(probe, node, device, number), device.registers
    role, depth = m[place + k.REGISTER_ROLE], m[registers + k.R_DEPTH]
    m[place + k.REGISTER_WORD] = value
    rung = value % depth if role & k.DOORBELL else m[registers + k.R_RUNG]
    count = (rung - m[registers + k.R_RUNG]) % depth + bool(role & k.START)
    taken = min(count, depth - m[registers + k.R_STARTED])
    m[registers + k.R_RUNG] = rung
    m[registers + k.R_STARTED] += taken
    m[registers + k.R_REFUSED] += count - taken
    return 0


def _atomic_set(probe, node, atomic, value):
    probe.memory[atomic.address] = value
    return 0


def _init_completion(probe, node, completion):
    probe.memory[completion.address + CP_DONE] = 0
    return 0


def _complete(probe, node, completion):
    """Nobody waits yet."""
    probe.memory[completion.address + CP_DONE] += 1
    return 0


def _nothing(probe, node, *arguments):
    return 0


REGISTRARS = {
    "request_irq": _request_irq, "request_threaded_irq": _request_threaded_irq, "tasklet_setup": _tasklet_setup,
    "INIT_WORK": _init_work, "INIT_DELAYED_WORK": _init_work, "open_softirq": _open_softirq,
    "kthread_run": _kthread_run, "alloc_workqueue": _alloc_workqueue, "alloc_ordered_workqueue": _alloc_ordered_workqueue,
    "read_reg": _read_reg, "write_reg": _write_reg, "atomic_set": _atomic_set,
    "spin_lock_init": _nothing, "mutex_init": _nothing, "rwlock_init": _nothing,
    "init_waitqueue_head": _nothing, "init_completion": _init_completion, "complete": _complete,
}  # fmt: skip
REGISTRARS |= timingcalls.REGISTRARS | napicalls.REGISTRARS
