"""Calls that register something while the driver runs, as instructions. Each call and device has its object from before the run.

Left out, and refused with the driver's line: flags and names that are not constants; functions that hand themselves over.
"""

import ast
import errno

from tophalf.model import fields as f
from tophalf.model.check.freedlines import note_freed
from tophalf.model.code import codeops as c
from tophalf.model.code import registerops as o
from tophalf.model.code.buildregister import add_kthread, identity, irq_programs, is_invalid, own_workqueue, run_program
from tophalf.model.code.objects import Device, Local, Object
from tophalf.model.code.operands import address_of, line_of
from tophalf.model.irq import manageops, requestirq
from tophalf.model.irq.builddevices import add_function
from tophalf.model.irq.buildmanage import cpu_mask
from tophalf.model.work import workfields as g


def _constant(writer, node):
    value = writer.value(node)
    return value if isinstance(value, int) else writer.refuse(node, "this is not known before the run", "write a constant")


def _device(writer, node):
    """A Device, 0 for None."""
    value = writer.value(node)
    if not isinstance(value, Device) and value != 0:
        writer.refuse(node, f"{ast.unparse(node)} is not known to be a device here", "hand over what the function was given")
    return value


def _store(writer, address, number):
    """A number that is known into a word."""
    slot = writer.room()
    writer.write(c.CODE_SET, slot, number)
    writer.write(c.CODE_STORE, address, slot)


# Lines


def _request_irq(generator, writer, node, target):
    """request_irq(irq, handler, flags, name, dev), request_threaded_irq(irq, handler, thread, flags, name, dev)."""
    *functions, flags, name, device = node.args[1:]
    number, flags, device = _constant(writer, node.args[0]), _constant(writer, flags), _device(writer, device)
    line, given = generator.builder.irqs.get(number), [each for each in functions if isinstance(each, ast.Name)]
    if line is None or number < 0 or not given or is_invalid(flags, device):
        return -errno.EINVAL
    names = [each.id if each in given else None for each in functions]
    programs = irq_programs(generator, names[0], names[1] if len(names) > 1 else None, number, device)
    action = requestirq.lay_out(generator.builder, line, name.value, *programs, identity(device), flags)
    writer.write(o.CODE_REQUEST_IRQ, target, line, action)
    note_freed(generator, writer, number, 0)
    return Local(slot=target)


def _free_irq(generator, writer, node, target):
    """__free_irq: off the line, then wait for who runs its handler, then end its threads."""
    line, end = line_of(generator, writer, node), writer.new_label()
    writer.write(o.CODE_FREE_IRQ, target, line, identity(_device(writer, node.args[1])))
    writer.write(c.CODE_ZERO, target, end)
    writer.write(manageops.OP_SYNCHRONIZE_IRQ, line)
    writer.write(o.CODE_STOP_IRQ_THREAD, target, 0)
    writer.write(o.CODE_STOP_IRQ_THREAD, target, 1)
    writer.label(end)
    note_freed(generator, writer, writer.value(node.args[0]), 1)
    return 0


def _affinity(op):
    def write(generator, writer, node, target):
        line, mask = line_of(generator, writer, node), cpu_mask(generator.builder, ())
        writer.put(node.args[1], target, writer.value(node.args[1]))
        writer.write(op, target, line, mask)
        return Local(slot=target)

    return write


# Bottom halves. What is queued already stays so


def _tasklet_setup(generator, writer, node, target):
    tasklet, function = writer.value(node.args[0]), node.args[1].id
    address = address_of(writer, node.args[0], "tasklet")
    _store(writer, address + f.TL_PROGRAM, run_program(generator, tasklet, function))
    _store(writer, address + f.TL_FUNCTION, add_function(generator.builder, function))
    _store(writer, address + f.TL_COUNT, 0)
    return 0


def _init_work(kind):
    def write(generator, writer, node, target):
        work, function = writer.value(node.args[0]), node.args[1].id
        address = address_of(writer, node.args[0], kind)
        _store(writer, address + g.X_PROGRAM, run_program(generator, work, function))
        _store(writer, address + g.X_FUNCTION, add_function(generator.builder, function))
        return 0

    return write


def _open_softirq(generator, writer, node, target):
    number = _constant(writer, node.args[0])
    if not 0 <= number < f.SOFTIRQ_COUNT:
        writer.refuse(node, f"there is no softirq {number}", f"name one, of {f.SOFTIRQ_COUNT}")
    _store(writer, generator.builder.memory[f.G_ACTIONS] + number, generator.entry(node.args[1].id, ()))
    return 0


# Workqueues


def _alloc_workqueue(generator, writer, node, target):
    """alloc_workqueue(name, flags, max_active), alloc_ordered_workqueue(name, flags): it is there from before the run."""
    name, flags, *more = node.args
    numbers = [_constant(writer, flags), *(_constant(writer, each) for each in more)]
    queue = own_workqueue(generator, name.value, *numbers, ordered=not more)
    _store(writer, queue.address + g.WQ_DRAINERS, 0)
    _store(writer, queue.address + g.WQ_FLAGS, generator.builder.memory[queue.address + g.WQ_FLAGS])
    return queue


# Kthreads


def _kthread_run(generator, writer, node, target):
    function, device, name = node.args
    task, program = add_kthread(generator, function.id, _device(writer, device), name.value)
    generator.builder.memory[task + f.K_STATE] = f.DEAD
    writer.write(o.CODE_KTHREAD_START, task, program)
    return Object("task", name.value, None, task)


# As kernelcalls.WRITERS
WRITERS = {
    "request_irq": _request_irq, "request_threaded_irq": _request_irq, "free_irq": _free_irq,
    "irq_set_affinity": _affinity(o.CODE_SET_AFFINITY), "irq_set_affinity_hint": _affinity(o.CODE_AFFINITY_HINT),
    "tasklet_setup": _tasklet_setup, "INIT_WORK": _init_work("work"), "INIT_DELAYED_WORK": _init_work("delayed_work"),
    "open_softirq": _open_softirq, "alloc_workqueue": _alloc_workqueue, "alloc_ordered_workqueue": _alloc_workqueue,
    "kthread_run": _kthread_run,
}  # fmt: skip
