"""What watches over drivers, laid out: the watchdogs of CPUs, and the short programs around handlers, tasklets and works."""

import ast

from tophalf.driver.roles import QUEUEING, roles_of
from tophalf.driver.subset import calls_in
from tophalf.frozen import Frozen
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.check import watchfields as w
from tophalf.model.check.checkmaps import map_of_entry
from tophalf.model.check.checkroles import HANDLER
from tophalf.model.code import codeops as c
from tophalf.model.code.objects import Device, Local, Object
from tophalf.model.cpu.buildhotplug import MIGRATION_PID, PIDS_A_CPU, STOP_PRIORITY
from tophalf.model.ground.program import Assembler
from tophalf.model.irq.managefields import M_HOTPLUG

QUEUES = QUEUEING | {"tasklet_schedule": 0, "tasklet_hi_schedule": 0}  # function: which argument is queued
DELAYED = ("queue_delayed_work", "schedule_delayed_work", "mod_delayed_work")


class Watched(Frozen):
    """A handler, or an hrtimer's function. name: of the function; irq: None of an hrtimer."""

    __slots__ = ("name", "irq")


def add_watch(builder):
    """The watchdogs of a world with drivers. Left out where CPUs come and go: those of CPUs that are not there."""
    m = builder.memory
    if not builder.has_code or builder.watch or m[m[f.G_MANAGE] + M_HOTPLUG]:
        return
    watch = builder.watch = m.take(w.WATCH_SIZE)
    builder.timer(watch + w.WT_NMI, f.ON_WATCH, watch)
    builder.timer(watch + w.WT_HUNG, f.ON_WATCH, watch)
    m[watch + w.WT_ROWS] = m.take(w.WATCHDOG_ROW * len(builder.cpus))
    for number in range(len(builder.cpus)):
        _add_watchdog(builder, number, m[watch + w.WT_ROWS] + number * w.WATCHDOG_ROW)
    m[watch + w.WT_TASKS] = m.take(w.HUNG_ROW * len(builder.tasks))


def _add_watchdog(builder, number, row):
    """migration/N, above all tasks; its timer is the hrtimer of the lockup detectors."""
    m, code = builder.memory, Assembler()
    code.label("stopper")
    code(w.CODE_WATCHED, row)
    code(ops.OP_BLOCK, f.SLEEPING)
    code(ops.OP_JUMP, "stopper")
    code.label("hrtimer")
    code(w.CODE_WATCHDOG, row)
    code(ops.OP_RET)
    places = builder.program(code)
    pid = MIGRATION_PID + PIDS_A_CPU * number
    task = builder._task(pid, f"migration/{number}", builder.cpus[number], places["stopper"], f.TASK, f.FIFO, STOP_PRIORITY)
    m[task + f.K_FLAGS], m[task + f.K_STATE] = f.KERNEL_THREAD | f.PER_CPU_THREAD, f.SLEEPING
    builder.hrtimer(task + f.K_TIMER, f.DO_CALL, places["hrtimer"])
    m[row + w.WD_STOPPER] = task


def watched_handler(generator, name, number, device):
    """The program of a line's handler for a device, with what looks at it before and after."""
    builder = generator.builder
    if not isinstance(device, Device):
        return generator.entry(name, (number, device))
    m = builder.memory
    row = m.take(w.HANDLER_ROW)
    m[row + w.HW_DEVICE], m[row + w.HW_REGISTERS] = device.hardware, device.registers
    m[row + w.HW_LINE], m[row + w.HW_IRQ] = builder.irqs[number], number
    m[row + w.HW_HELD_OF] = -1
    program = generator.function(name, (None, device), HANDLER, map_of_entry(generator, (number, device)))
    return _around(generator, row, name, program, number)


def watched_hrtimer(generator, name, program):
    """The program of an hrtimer's function, with what measures it in hardirqs."""
    return _around(generator, generator.builder.memory.take(w.HANDLER_ROW), name, program, None)


def _around(generator, row, name, program, number):
    """A program that does `program` between the two looks."""
    code, line = Assembler(), generator.driver.functions[name].lineno
    code.label("handler")
    code(w.CODE_HANDLER, row, program)
    code(w.CODE_HANDLED, row)
    generator.builder.watched[row] = Watched(name=name, irq=number)
    generator.builder.code_places.append((row, [line], generator.driver.path, name))  # the row stands for the first line
    return generator.builder.program(code)["handler"]


def watched_run(builder, obj, program):
    """The program of a tasklet or work, which notes that it begins."""
    code = Assembler()
    code.label("run")
    code(w.CODE_RUN, run_row(builder, obj), program)
    return builder.program(code)["run"]


def run_row(builder, obj):
    """Where it is counted how a tasklet or work came to run."""
    if obj.address not in builder.watched_runs:
        row = builder.watched_runs[obj.address] = builder.memory.take(w.RUN_ROW)
        if obj.device:
            builder.memory[row + w.RW_REGISTERS] = obj.device.registers
    return builder.watched_runs[obj.address]


def functions_that_run_again(driver):
    """Names of the functions of tasklets and works, and of those that they call."""
    found, left = set(), [role.name for role in roles_of(driver) if role.kind in ("tasklet_fn", "work_fn")]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += [called for called in calls_in(driver.functions[name]) if called in driver.functions]
    return found


def say_what_is_queued(generator, writer, node):
    """Before a call that queues a tasklet or work: which it is, where that may be in its own run, or another's.

    A delay makes it no fault; one that is a name or an attribute is looked at when it is queued. Left out: other expressions.
    """
    name = node.func.id
    if name not in QUEUES or writer.function.name not in generator.running_again:
        return
    queued = writer.known(node.args[QUEUES[name]])
    if not isinstance(queued, Object) or not queued.address:
        return
    delay = writer.known(node.args[-1]) if name in DELAYED else 0
    if delay == 0:
        writer.write(w.CODE_AGAIN, run_row(generator.builder, queued))
    elif isinstance(delay, Local) and isinstance(node.args[-1], (ast.Name, ast.Attribute)):
        _say_where_no_delay(generator, writer, queued, node.args[-1])


def _say_where_no_delay(generator, writer, queued, delay):
    used, delayed = writer.used, writer.new_label()
    writer.write(c.CODE_NONZERO, writer.slot(delay, writer.value(delay)), delayed)
    writer.write(w.CODE_AGAIN, run_row(generator.builder, queued))
    writer.label(delayed)
    writer.used = used
