"""Calls about timers as instructions, and what probe does with them before the run.

Left out, and refused with the driver's line: flags of timer_setup, clocks but CLOCK_MONOTONIC, modes that are not constants.
"""

from tophalf.driver.api import HRTIMER_MODE_HARD, HRTIMER_MODE_SOFT
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.check.buildwatch import watched_hrtimer
from tophalf.model.code import codeops as c
from tophalf.model.code import timingops as o
from tophalf.model.code.objects import Local, Object
from tophalf.model.ground.program import Assembler
from tophalf.model.irq.requestirq import PREEMPT_RT
from tophalf.model.timer import timerops
from tophalf.model.timer.timerfields import DT_FIRST

CLOCK_MONOTONIC = 1


def variable(generator, writer, name):
    """jiffies, HZ. writer: None before the run, at jiffy 0."""
    if name == "HZ":
        return 10**9 // generator.builder.memory[f.G_HZ_NS]
    if writer is None:
        return 0
    target = writer.room()
    writer.write(o.CODE_JIFFIES, target)
    return Local(slot=target)


# What a timer runs


def _wheel(generator, timer, function):
    """(program, H_DO) of a timer of the wheel."""
    code = Assembler()
    code.label("timer")
    code(timerops.OP_TIMER_RUNS, timer.address)
    code(ops.OP_JUMP, generator.entry(function, (timer,)))
    return generator.builder.program(code)["timer"], f.DO_CALL + f.IN_WHEEL


def _hrtimer(generator, timer, function, mode):
    """(program, H_DO). On PREEMPT_RT all that do not say HARD run in the softirq (__hrtimer_setup)."""
    code = Assembler()
    code.label("hrtimer")
    code(o.CODE_HRTIMER_RUNS, timer.address)
    code(c.CODE_CALL, watched_hrtimer(generator, function, generator.entry(function, (timer,))))
    code(o.CODE_HRTIMER_DONE, timer.address)
    code(ops.OP_RET)
    soft = mode & HRTIMER_MODE_SOFT or generator.builder.memory[f.G_PREEMPT] == PREEMPT_RT and not mode & HRTIMER_MODE_HARD
    return generator.builder.program(code)["hrtimer"], f.DO_CALL + (f.IN_SOFTIRQ_TIMER if soft else 0)


def _setup(generator, refuse, name, timer, function, *numbers):
    """(address, program, H_DO) of timer_setup(timer, function, flags) or hrtimer_setup(timer, function, clock, mode).

    refuse(what, do): raises."""
    if not isinstance(timer, Object) or not timer.address:
        refuse("this timer is not known here", "name it as dev.it")
    if name == "timer_setup":
        if numbers != (0,):
            refuse("the model's timers have no flags", "give 0")
        return timer.address, *_wheel(generator, timer, function)
    clock, mode = numbers
    if clock != CLOCK_MONOTONIC or not isinstance(mode, int):
        refuse("the model has CLOCK_MONOTONIC, and modes that are constants", "write them, as HRTIMER_MODE_REL")
    return timer.address, *_hrtimer(generator, timer, function, mode)


# While the driver runs


def _setup_call(generator, writer, node, target):
    def refuse(what, do):
        writer.refuse(node, what, do)

    timer, function, *numbers = node.args
    values = [writer.value(number) for number in numbers]
    writer.write(o.CODE_TIMER_SETUP, *_setup(generator, refuse, node.func.id, writer.value(timer), function.id, *values))
    return 0


def _timer(writer, node, kind):
    """The address of the first argument."""
    value = writer.value(node.args[0])
    if not isinstance(value, Object) or value.kind != kind or not value.address:
        writer.refuse(node, f"this {kind} is not known here", "name it as dev.it, or as what its function was called with")
    return value.address


def _mod_timer(generator, writer, node, target):
    writer.write(o.CODE_MOD_TIMER, target, _timer(writer, node, "timer"), writer.number(node.args[1]))
    return Local(slot=target)


def _answered(op, kind):
    """An instruction about a timer whose answer is in R0."""

    def write(generator, writer, node, target):
        timer = _timer(writer, node, kind)
        writer.write(c.CODE_SET, target, 0)  # who waits in the next one is at this one: its line
        writer.write(op, timer)
        return writer.result(target)

    return write


def _hrtimer_start(generator, writer, node, target):
    timer, ns = _timer(writer, node, "hrtimer"), writer.number(node.args[1])
    writer.write(o.CODE_HRTIMER_START, timer, ns, writer.number(node.args[2]))
    return 0


def _hrtimer_forward_now(generator, writer, node, target):
    writer.write(o.CODE_HRTIMER_FORWARD, target, _timer(writer, node, "hrtimer"), writer.number(node.args[1]))
    return Local(slot=target)


WRITERS = {
    "timer_setup": _setup_call, "hrtimer_setup": _setup_call, "mod_timer": _mod_timer,
    "timer_delete": _answered(timerops.OP_TIMER_DELETE, "timer"),
    "timer_delete_sync": _answered(timerops.OP_TIMER_DELETE_SYNC, "timer"),
    "hrtimer_start": _hrtimer_start, "hrtimer_forward_now": _hrtimer_forward_now,
    "hrtimer_cancel": _answered(o.CODE_HRTIMER_CANCEL, "hrtimer"),
}  # fmt: skip


# Before the run, at jiffy 0, on CPU 0


def _setup_before(name):
    def register(probe, node, timer, function, *numbers):
        def refuse(what, do):
            probe.refuse(node, what, do)

        address, program, do = _setup(probe.generator, refuse, name, timer, function, *numbers)
        m = probe.memory
        m[address + f.H_ARG], m[address + f.H_DO], m[address + DT_FIRST] = program, do, -1
        known = next(each for each in probe.generator.builder.timers if each.address == address)
        known.name = f"{timer.device.name} {timer.name}"
        known.kind = "wheel" if do & f.IN_WHEEL else "soft" if do & f.IN_SOFTIRQ_TIMER else "hrtimer"
        return 0

    return register


def _first(probe, timer, time_ns):
    """It starts before the run. Returns whether it was going to."""
    m = probe.memory
    was_pending = m[timer.address + DT_FIRST] >= 0
    m[timer.address + DT_FIRST] = time_ns if m[timer.address + f.H_ARG] else -1
    return int(was_pending)


def _mod_timer_before(probe, node, timer, expires):
    return _first(probe, timer, max(expires, 0) * probe.memory[f.G_HZ_NS])


def _hrtimer_start_before(probe, node, timer, ns, mode):
    probe.memory[timer.address + f.H_EXPIRES] = ns
    _first(probe, timer, max(ns, 0))
    return 0


def _delete_before(probe, node, timer):
    return _first(probe, timer, -1)


REGISTRARS = {
    "timer_setup": _setup_before("timer_setup"), "hrtimer_setup": _setup_before("hrtimer_setup"), "mod_timer": _mod_timer_before,
    "hrtimer_start": _hrtimer_start_before, "timer_delete": _delete_before, "timer_delete_sync": _delete_before,
    "hrtimer_cancel": _delete_before,
}  # fmt: skip
