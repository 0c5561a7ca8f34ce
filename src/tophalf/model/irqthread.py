"""Threads of interrupt handlers. kernel/irq/handle.c __irq_wake_thread, kernel/irq/manage.c irq_thread."""

from tophalf.model.fields import (
    A_MASK,
    A_RUNTHREAD,
    A_THREAD,
    D_ONESHOT_MASK,
)
from tophalf.model.jit import compiled
from tophalf.model.sched import wake


@compiled
def wake_irq_thread(m, cpu, desc, action):
    """A handler wants its thread; once is enough until that has begun."""
    if m[action + A_RUNTHREAD]:
        return
    m[action + A_RUNTHREAD] = 1
    m[desc + D_ONESHOT_MASK] |= m[action + A_MASK]
    wake(m, cpu, m[action + A_THREAD])
