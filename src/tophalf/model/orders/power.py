"""Orders on the machine as a whole: suspend, for a time.

kernel/power/process.c freeze_kernel_threads, kernel/power/suspend.c, as far as `workfreeze` has it: a task freezes the
workqueues, looks every millisecond until nothing of theirs runs, disables the devices' lines, sleeps, and takes it all back.
While it does, another is refused (enter_state). Left out: the backoff of those looks up to 8 ms, the freezer's limit of 20 s,
everything that `workfreeze` leaves out.
"""

import errno

from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.ground.program import Assembler
from tophalf.model.irq.manage import WAKE_TASK, command
from tophalf.model.work import workops
from tophalf.vocab import human_ns

NAME = "systemd-sleep"
LOOK_NS = 1_000_000  # try_to_freeze_tasks: usleep_range


def suspend(builder, value, where):
    """value: for how long, ns."""
    task = builder.task(NAME, 0, _program(builder, value), asleep=True)

    def carry_out(world):
        if any(_under_way(world, other) for other in world.builder.tasks.values()):
            return -errno.EBUSY, "a suspend is under way"
        command(world.memory, WAKE_TASK, task)
        return 0, None

    return f"suspend for {human_ns(value)}", carry_out


def _under_way(world, task):
    """Whether a task has begun to suspend the machine and is not done with it."""
    m = world.memory
    if m[task + f.K_NAME] != world.builder.memory.name(NAME) or m[task + f.K_STATE] == f.DEAD:
        return False
    return m[task + f.K_STATE] != f.SLEEPING or m[task + f.K_FRAME] != task + f.K_STACK


def _program(builder, length_ns):
    """echo mem > /sys/power/state, in the kernel."""
    code = Assembler()
    code.label("suspend")
    code(ops.OP_SYSCALL, "kernel")
    code(ops.OP_EXIT)
    code.label("kernel")
    code(workops.OP_SUSPEND, workops.FREEZE_BEGIN)
    code.label("busy")
    code(workops.OP_SUSPEND, workops.FREEZE_BUSY)
    code(ops.OP_JUMP_ZERO, f.F_R0, "frozen")
    code(ops.OP_SLEEP, LOOK_NS)
    code(ops.OP_JUMP, "busy")
    code.label("frozen")
    code(workops.OP_SUSPEND, workops.SUSPEND_IRQS)
    code(ops.OP_SLEEP, length_ns)
    code(workops.OP_SUSPEND, workops.RESUME_IRQS)
    code(workops.OP_SUSPEND, workops.THAW)
    code(ops.OP_RET)
    return builder.program(code)["suspend"]
