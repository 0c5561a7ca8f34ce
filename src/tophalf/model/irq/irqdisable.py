"""Lines that drivers switch off and on, and events sent again that came meanwhile.

kernel/irq/manage.c __disable_irq, synchronize_irq, kernel/irq/chip.c irq_disable, irq_enable, kernel/irq/resend.c
check_irq_resend; enable_irq is in `irqstartup`. Disabling is lazy: the line is masked when it next comes. Left out:
IRQ_DISABLE_UNLAZY, resending by a tasklet (the local APIC can always send again), chips with a slow bus.
"""

from tophalf.model.fields import (
    BLOCKED,
    C_CURRENT,
    D_CPU,
    D_DEPTH,
    D_STATE,
    D_THREADS_ACTIVE,
    D_VECTOR,
    D_WAITERS,
    F_LEFT,
    F_PC,
    IRQ_DISABLED,
    IRQ_INPROGRESS,
    IRQ_PENDING,
    IRQ_REPLAY,
    K_STATE,
    K_WAIT_NEXT,
)
from tophalf.model.ground.jit import compiled
from tophalf.model.irq.apic import latch
from tophalf.model.irq.irqlines import is_level, unmask
from tophalf.model.ops import STRIDE
from tophalf.model.sched.sched import might_sleep, schedule
from tophalf.model.sched.wakeup import wake

SPIN_NS = 100  # how often a CPU looks that waits for another's handler to end; a kernel looks without pause


@compiled
def irq_disable(m, desc):
    """Mark it; the hardware is left as it is until the line comes."""
    m[desc + D_STATE] |= IRQ_DISABLED


@compiled
def irq_enable(m, desc):
    m[desc + D_STATE] &= ~IRQ_DISABLED
    unmask(m, desc)


@compiled
def disable_irq_nosync(m, desc):
    """Does not wait for a handler that runs."""
    m[desc + D_DEPTH] += 1
    if m[desc + D_DEPTH] == 1:
        irq_disable(m, desc)


@compiled
def check_irq_resend(m, desc):
    """An edge that was kept is sent again (REPLAY); a level line never is: it is still asserted, or it was nothing."""
    if is_level(m, desc):
        m[desc + D_STATE] &= ~IRQ_PENDING
    elif m[desc + D_STATE] & (IRQ_REPLAY | IRQ_PENDING) == IRQ_PENDING:
        m[desc + D_STATE] = m[desc + D_STATE] & ~IRQ_PENDING | IRQ_REPLAY
        latch(m, m[desc + D_CPU], m[desc + D_VECTOR])  # apic_retrigger_irq


@compiled
def synchronize_irq(m, cpu, frame, desc):
    """Wait until no handler of the line runs, then until none of its threads is active; `frame` looks again meanwhile."""
    if might_sleep(m, cpu, frame):
        return
    if m[desc + D_STATE] & IRQ_INPROGRESS:
        m[frame + F_LEFT] = SPIN_NS
        m[frame + F_PC] -= STRIDE
    elif m[desc + D_THREADS_ACTIVE]:
        task = m[cpu + C_CURRENT]
        m[task + K_WAIT_NEXT] = m[desc + D_WAITERS]
        m[desc + D_WAITERS] = task
        m[frame + F_PC] -= STRIDE
        m[task + K_STATE] = BLOCKED
        schedule(m, cpu, 0)


@compiled
def wake_threads_waitq(m, cpu, desc):
    """A thread of the line is done; the last one wakes those who wait for them."""
    m[desc + D_THREADS_ACTIVE] -= 1
    while m[desc + D_THREADS_ACTIVE] == 0 and m[desc + D_WAITERS]:
        task = m[desc + D_WAITERS]
        m[desc + D_WAITERS] = m[task + K_WAIT_NEXT]
        m[task + K_WAIT_NEXT] = 0
        wake(m, cpu, task)
