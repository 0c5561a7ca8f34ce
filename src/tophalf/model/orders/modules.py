"""Orders on drivers in Python: insmod, whose task runs probe, and rmmod, whose task runs remove.

kernel/module/main.c init_module, delete_module; drivers/base/dd.c really_probe. An order is answered twice: when it is given, and
when its task is done, then with what probe returned. A driver whose first order is insmod is not there before. Left out: references
that others hold, the time that loading takes, forced removal, who else waits for the module's mutex (EBUSY here).
"""

import errno

from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.code import codeops as c
from tophalf.model.ground.program import Assembler
from tophalf.model.irq.manage import WAKE_TASK, command
from tophalf.model.irq.manageops import OP_ACTOR
from tophalf.model.work import workfields as g

ABSENT, LOADED, BUSY = range(3)  # Module.state
# What the kernel will call: kind of object: (word, bits of it that say so, what is said then)
CALLED = {"timer": (f.H_CPU, -1, "pending"), "hrtimer": (f.H_CPU, -1, "pending"),
          "work": (g.X_FLAGS, g.WORK_STRUCT_PENDING, "queued"), "delayed_work": (g.X_FLAGS, g.WORK_STRUCT_PENDING, "queued"),
          "tasklet": (f.TL_STATE, f.TASKLET_SCHEDULED, "scheduled")}  # fmt: skip
UNDER_WAY, DONE = 1, 2  # a word of each order


class Module:
    """A driver of one device, as orders know it. state: address of ABSENT, LOADED or BUSY; at_boot: whether the run begins
    with its probe."""

    def __init__(self, builder, device):
        self.device, self.state, self.at_boot = device, builder.memory.take(1), False


def begins_absent(scenario, name):
    """Whether the first order on a driver is insmod: it is not there at boot."""
    orders = sorted((entry for entry in scenario.all("at") if name in (entry.insmod, entry.rmmod)), key=lambda entry: entry.time)
    return bool(orders) and orders[0].insmod == name


def insmod(builder, value, where):
    """value: the name of a [[driver]]."""
    return _order(builder, value, where, "insmod", "probe", {LOADED: (errno.EEXIST, "it is loaded")})


def rmmod(builder, value, where):
    return _order(builder, value, where, "rmmod", "remove", {ABSENT: (errno.ENOENT, "it is not loaded")})


def _order(builder, name, where, verb, function, refusals):
    module = builder.modules.get(name)
    if module is None:
        names = ", ".join(builder.modules) or "there is none"
        raise TophalfError(f"there is no driver {name}", where, f"name a [[driver]]: {names}")
    order = builder.memory.take(2)  # UNDER_WAY or DONE; what was returned
    task = builder.task(verb, 0, _program(builder, module, where, function, order), asleep=True)
    refusals = refusals | {BUSY: (errno.EBUSY, "an order on it is under way")}

    def carry_out(world):
        m = world.memory
        if m[order] == DONE:
            return _done(m, module, function, int(m[order + 1]))
        if int(m[module.state]) in refusals:
            number, why = refusals[int(m[module.state])]
            return -number, why
        m[module.state], m[order] = BUSY, UNDER_WAY
        command(m, WAKE_TASK, task)
        return 0, f"{function} begins"

    return f"{verb} {name}", carry_out


def _done(m, module, function, returned):
    """Its second answer. A driver that is absent again after a failed probe has what probe did not undo."""
    error = returned if function == "probe" and returned < 0 else 0
    m[module.state] = LOADED if function == "probe" and not error else ABSENT
    if error and module.at_boot:
        raise refused_at_boot(module, error)
    if error:
        return error, f"{function} failed"
    left = left_behind(m, module.device) if function == "remove" else ()
    return 0, f"{function} returned" + (f", and left {', '.join(left)}" if left else "")


def refused_at_boot(module, error):
    """As of a probe that only registers (code/probe.py): such a driver has nothing to run."""
    driver = module.device.generator.driver
    where = f"{driver.path}:{driver.functions['probe'].lineno}"
    return TophalfError(f"probe returned -{errno.errorcode.get(-error, -error)}", where, "see which call failed")


def left_behind(m, device):
    """What of a device's the kernel would still call, in words: on a real machine the next time is an oops."""
    found, action = [], m[device.line + f.D_ACTIONS]
    while action and m[action + f.A_ARG] != device.identity:
        action = m[action + f.A_NEXT]
    if action:
        found.append(f"IRQ {device.number} with its handler")
    for name, each in device.objects.items():
        word, bits, what = CALLED.get(each.kind, (0, 0, ""))
        if bits and m[each.address + word] & bits:
            found.append(f"{name} {what}")
    return found


def _program(builder, module, where, function, order):
    """A system call that runs the function, keeps what it returns, and has the order answered."""
    generator = module.device.generator
    written = generator.driver.functions.get(function)
    if written is None or len(written.args.args) != 1:
        raise TophalfError(f"{generator.driver.path} has no {function}(dev)", where, "add one")
    code = Assembler()
    code.label("task")
    code(ops.OP_SYSCALL, "kernel")
    code(ops.OP_EXIT)
    code.label("kernel")
    code(c.CODE_CALL, generator.entry(function, (module.device,)), 0, 0)
    code(c.CODE_RESULT, 0)
    code(c.CODE_STORE, order + 1, 0)
    code(c.CODE_SET, 0, DONE)
    code(c.CODE_STORE, order, 0)
    code(OP_ACTOR, len(builder.actors) + 1)  # the order itself, which is added next
    code(ops.OP_RET)
    return builder.program(code)["task"]
