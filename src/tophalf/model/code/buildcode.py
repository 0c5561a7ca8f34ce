"""What drivers in Python need of a world that is being built: locals for each task's stack, locks, registers."""

from tophalf.model import fields as f
from tophalf.model.code import codefields as c


def begin_code(builder):
    """From here on the world holds such drivers: its tasks get locals at the end (`end_code`)."""
    builder.has_code = True


def end_code(builder):
    """Locals for the frames of every task."""
    if not builder.has_code:
        return
    m = builder.memory
    for task in builder.tasks.values():
        if m[task + f.K_LOCALS] == 0:
            m[task + f.K_LOCALS] = m.take(f.FRAMES_MAX * c.LOCALS_MAX) - c.LOCALS_EACH * (task + f.K_STACK)


def add_lock(builder):
    """A spinlock or a mutex that nobody has. Returns its address."""
    return builder.memory.take(c.LOCK_SIZE)


def add_registers(builder, device, count, status=0, ready=1):
    """Registers of a device, numbered from 0. status: the number of the one that tells whether it wants attention, None for none;
    ready: the bits that say so there. Returns their address."""
    m = builder.memory
    registers = m.take(c.R_WORDS + count)
    m[registers + c.R_DEVICE], m[registers + c.R_COUNT] = device, count
    m[registers + c.R_STATUS], m[registers + c.R_READY] = -1 if status is None else status, ready
    return registers
