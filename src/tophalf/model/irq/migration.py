"""Lines that move when they come: kernel/irq/migration.c irq_move_irq, arch/x86/kernel/apic/vector.c irq_complete_move.

Without interrupt remapping a message's address cannot be changed while one may be under way. So a new mask waits for the next
interrupt, which still comes to the old CPU; the one after that comes to the new one, and lets the old vector be freed.
"""

from tophalf.model.fields import D_CPU, D_MANAGE, D_MOVING, D_STATE, G_MANAGE, IRQ_DISABLED
from tophalf.model.ground.jit import compiled
from tophalf.model.irq.irqaffinity import irq_do_set_affinity, schedule_vector_cleanup
from tophalf.model.irq.managefields import (
    EBUSY,
    I_PENDING_MASK,
    M_ONLINE,
    MOVE_IN_PROGRESS,
    SETAFFINITY_PENDING,
)
from tophalf.model.irq.masks import intersects


@compiled
def acknowledge_move(m, cpu, desc):
    """What is to do about a move where an interrupt is acknowledged on `cpu`."""
    if m[desc + D_MOVING] & MOVE_IN_PROGRESS and m[desc + D_CPU] == cpu:
        schedule_vector_cleanup(m, desc)
    if m[desc + D_MOVING] & SETAFFINITY_PENDING and not m[desc + D_STATE] & IRQ_DISABLED:
        irq_move_masked_irq(m, cpu, desc)


@compiled
def irq_move_masked_irq(m, cpu, desc):
    """The mask that waited; it waits on while the old vector of the move before is not freed."""
    mask = m[m[desc + D_MANAGE] + I_PENDING_MASK]
    m[desc + D_MOVING] &= ~SETAFFINITY_PENDING
    if not intersects(m, mask, m[m[G_MANAGE] + M_ONLINE]):
        return
    if irq_do_set_affinity(m, cpu, desc, mask) == -EBUSY:
        m[desc + D_MOVING] |= SETAFFINITY_PENDING
