"""What is checked at calls of the kernel's API: instructions before those of the call itself, and around a function of a driver.

Works for any call by its name in `driver.api`, whoever writes its instructions.
"""

import ast

from tophalf.driver.subset import calls_in
from tophalf.model.check import checkfields as k
from tophalf.model.check import checkops as o
from tophalf.model.check.checkmaps import LOCKS, WAITING, map_of_line, map_of_object
from tophalf.model.check.checkroles import HANDLER
from tophalf.model.check.freedlines import USES, check_use
from tophalf.model.code.objects import Local, Object

KIND_OF_WAIT = {name: kind for kind, names in WAITING.items() for name in names}
ACQUIRES = {"spin_lock": 0, "read_lock": k.H_READ, "write_lock": k.H_WRITE}
BY_SUFFIX = {"": 0, "_irq": k.H_IRQS, "_irqsave": k.H_IRQS, "_bh": k.H_BH}
TAKES = {f"{raw}{name}{suffix}": how | more for raw in ("", "raw_") for name, how in ACQUIRES.items()
         for suffix, more in BY_SUFFIX.items()} | {"mutex_lock": k.H_MUTEX}  # fmt: skip
LETS_GO = {f"{raw}{kind}_unlock{suffix}": suffix for raw in ("", "raw_") for kind in ("spin", "read", "write")
           for suffix in ("", "_irq", "_irqrestore", "_bh")} | {"mutex_unlock": ""}  # fmt: skip
ENABLES = {"local_irq_enable": o.CHECK_IRQS_ON, "local_bh_enable": o.CHECK_BH_ON, "preempt_enable": o.CHECK_PREEMPT_ON}
CHANGING = {"local_irq_disable", "local_irq_save", "local_irq_restore", "local_bh_disable", "preempt_disable", *ENABLES,
            *TAKES, *LETS_GO}  # fmt: skip


def check_before(generator, writer, node):
    """Before might_sleep: what a call waits for."""
    name = node.func.id
    if name in USES:
        check_use(generator, writer, node, writer.known(node.args[0]))
    if name in KIND_OF_WAIT:
        _wait(generator, writer, node, KIND_OF_WAIT[name])


def check_call(generator, writer, node):
    """After might_sleep: locks, interrupts, bottom halves, preemption."""
    name = node.func.id
    if name in TAKES or name in LETS_GO:
        value = writer.known(node.args[0])
        if isinstance(value, Object) and value.kind in LOCKS:
            _lock(writer, node, name, map_of_object(generator, value))
    elif name in ENABLES:
        writer.write(ENABLES[name])
    elif name == "local_irq_restore":
        _restore(writer, node)


def _lock(writer, node, name, lock):
    if name in TAKES:
        writer.write(o.CHECK_ACQUIRE, lock, TAKES[name])
        return
    suffix = LETS_GO[name]
    writer.write(o.CHECK_RELEASE, lock, k.H_IRQS if suffix == "_irq" else 0)
    if suffix == "_irqrestore":
        _restore(writer, node)
    elif suffix == "_bh":
        writer.write(o.CHECK_BH)


def _restore(writer, node):
    """Of flags that are a name: looked at twice, they are the same."""
    if isinstance(node.args[-1], ast.Name):
        value = writer.known(node.args[-1])
        if isinstance(value, Local):
            writer.write(o.CHECK_IRQS_RESTORE, value.slot)


def _wait(generator, writer, node, kind):
    value = writer.known(node.args[0])
    if kind == "irq":
        if isinstance(value, int):
            writer.write(o.CHECK_WAIT, map_of_line(generator, value))
        return
    if not isinstance(value, Object):
        return
    if kind == "timer":
        writer.write(o.CHECK_TIMER)
    writer.write(o.CHECK_WAIT, map_of_object(generator, value))
    if kind in ("work", "workqueue") and not node.func.id.startswith("cancel_"):  # check_flush_dependency: from_cancel
        writer.write(o.CHECK_FLUSH, *((value.address, 0) if kind == "work" else (0, value.address)))


def write_step(writer, node):
    """Before a statement, where it may be an awkward moment (`assemble.steps`)."""
    builder = writer.generator.builder
    if builder.awkward:
        step = (writer.path, writer.function.name, node.lineno)
        writer.write(o.CHECK_STEP, builder.awkward, builder.steps.setdefault(step, len(builder.steps) + 1))


def functions_that_change(driver):
    """Names of functions that take locks, or turn something off or on, or call one that does: the others leave all as it was."""
    found = {name for name, function in driver.functions.items() if CHANGING & set(calls_in(function))}
    while more := {name for name, function in driver.functions.items() if found & set(calls_in(function))} - found:
        found |= more
    return found


def begin_entry(writer, role, lock):
    """The first instruction of a function that the kernel calls."""
    writer.role = role
    if lock or writer.function.name in writer.generator.changing:
        writer.entered = writer.room()
        writer.kept = writer.used
        writer.write(o.CHECK_ENTER, writer.entered, lock, role)


def end_entry(writer, node, value):
    """Before such a function returns a value. Returns the value, which may be in a local now."""
    answer = 0
    if writer.role == HANDLER and value not in (0, 1):
        value = Local(slot=writer.slot(node, value))
        answer = value.slot + 1
    if writer.entered is not None:
        writer.write(o.CHECK_LEAVE, writer.entered, answer, writer.role)
    elif answer:
        writer.write(o.CHECK_ANSWER, 0, answer)
    return value

