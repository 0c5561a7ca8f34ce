"""The kernel log: what was said, when, on which CPU, about what. Words are put to it where it is read."""

from tophalf.model.fields import C_NUMBER, G_LOG, G_LOG_COUNT, G_LOG_MAX, G_NOW
from tophalf.model.ground.jit import compiled

(
    LOG_NOBODY_CARED, LOG_IRQ_AFFINITY_BROKEN, LOG_CPU_OFFLINE, LOG_CPU_ONLINE, LOG_DISABLING_IRQ, LOG_UNBALANCED_ENABLE,
    LOG_SET_AFFINITY_FAILED, LOG_NO_VECTORS_TO_UNPLUG, LOG_TASK_AFFINITY_BROKEN, LOG_DRIVER,
    LOG_ALREADY_FREE, LOG_FLAGS_MISMATCH, LOG_NO_HANDLER,
) = range(13)  # fmt: skip
LOG_SIZE = 4  # time, CPU, what, about


@compiled
def log(m, cpu, what, about):
    """A line, as long as there is room."""
    if m[G_LOG_COUNT] < m[G_LOG_MAX]:
        line = m[G_LOG] + m[G_LOG_COUNT] * LOG_SIZE
        m[line] = m[G_NOW]
        m[line + 1] = m[cpu + C_NUMBER]
        m[line + 2] = what
        m[line + 3] = about
        m[G_LOG_COUNT] += 1
