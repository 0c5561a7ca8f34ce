"""What drivers in Python need of a world that is being built: locals for each task's stack, and locks."""

from tophalf.model import fields as f
from tophalf.model.check import checkfields as k
from tophalf.model.check.complain import COMPLAINT_SIZE
from tophalf.model.code import codefields as c
from tophalf.model.code import waitfields as w

COMPLAINTS_MAX = 256


def begin_code(builder):
    """From here on the world holds such drivers: its tasks get locals at the end (`end_code`)."""
    builder.has_code = True


def end_code(builder):
    """Locals for the frames of every task, what it holds and what it waits with; a table of complaints."""
    if not builder.has_code:
        return
    m = builder.memory
    if not builder.checks:
        checks = builder.checks = m.take(k.CHECKS_SIZE)
        m[checks + k.CK_FIRST], m[checks + k.CK_MAX] = m.take(COMPLAINTS_MAX * COMPLAINT_SIZE), COMPLAINTS_MAX
        classes = m[checks + k.CK_CLASSES] = len(builder.lock_classes) + 1
        m[checks + k.CK_USAGE], m[checks + k.CK_EDGES] = m.take(classes), m.take(classes * classes)
        m[checks + k.CK_QUEUES] = m.put([word for pair in builder.queue_maps for word in pair] + [0])
    for task in builder.tasks.values():
        if m[task + f.K_LOCALS] == 0:
            locals_ = m.take(f.FRAMES_MAX * c.LOCALS_MAX + k.HELD_WORDS)
            m[task + f.K_LOCALS] = locals_ - c.LOCALS_EACH * (task + f.K_STACK)
            m[locals_ + f.FRAMES_MAX * c.LOCALS_MAX + k.HD_CHECKS] = builder.checks
            m[task + f.K_WAITER] = m.take(w.WAITER_SIZE)
            m[m[task + f.K_WAITER] + w.B_TASK] = task


def add_lock(builder):
    """A spinlock or a mutex that nobody has. Returns its address."""
    return builder.memory.take(c.LOCK_SIZE)
