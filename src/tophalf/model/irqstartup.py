"""Lines that begin, shut down and begin again. kernel/irq/chip.c irq_startup, irq_shutdown_and_deactivate.

A managed line keeps a vector on each CPU of its mask from the beginning, and is off while none of them is online.
"""

from tophalf.model.irqaffinity import clear_irq_vector, irq_do_set_affinity, irq_setup_affinity
from tophalf.model.irqdisable import check_irq_resend, irq_disable, irq_enable
from tophalf.model.jit import compiled
from tophalf.model.masks import intersects
from tophalf.model.matrix import irq_matrix_reserve_managed


@compiled
def irq_request(m, cpu, desc):
    """The first handler is installed: the line gets its CPU. Returns 0 or -errno."""
    line = m[desc + D_MANAGE]
    if m[line + I_FLAGS] & IRQD_MANAGED:
        error = irq_matrix_reserve_managed(m, m[line + I_AFFINITY])
        if error:
            return error
    return irq_startup(m, cpu, desc)


@compiled
def irq_startup(m, cpu, desc):
    """Let a line come, if it may: a managed one needs an online CPU of its mask."""
    line = m[desc + D_MANAGE]
    error = 0
    if m[line + I_FLAGS] & IRQD_MANAGED:
        m[line + I_FLAGS] &= ~IRQD_MANAGED_SHUTDOWN
        if not intersects(m, m[line + I_AFFINITY], m[m[G_MANAGE] + M_ONLINE]):
            m[line + I_FLAGS] |= IRQD_MANAGED_SHUTDOWN
            return 0
        error = irq_do_set_affinity(m, cpu, desc, m[line + I_AFFINITY])
    else:
        error = irq_setup_affinity(m, cpu, desc)
    if error:
        return error
    m[line + I_FLAGS] |= IRQD_STARTED
    m[desc + D_DEPTH] = 0
    irq_enable(m, desc)
    check_irq_resend(m, desc)
    return 0


@compiled
def irq_shutdown_and_deactivate(m, desc):
    """Off, without a vector."""
    line = m[desc + D_MANAGE]
    if m[line + I_FLAGS] & IRQD_STARTED:
        m[desc + D_DEPTH] = 1
        irq_disable(m, desc)
        m[desc + D_STATE] |= IRQ_MASKED
        m[line + I_FLAGS] &= ~IRQD_STARTED
    if m[desc + D_VECTOR]:
        clear_irq_vector(m, desc)
