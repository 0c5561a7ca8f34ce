"""Lines between devices and CPUs: signalled, masked, unmasked."""

from tophalf.model.apic import latch
from tophalf.model.fields import (
    D_CPU,
    D_LINE,
    D_STATE,
    D_VECTOR,
    IRQ_MASKED,
)
from tophalf.model.jit import compiled


@compiled
def raise_line(m, desc):
    """A device signals its line. Returns whether a message reached a CPU that had none waiting."""
    if m[desc + D_STATE] & IRQ_MASKED:
        return False  # an MSI's message is held back by the device; a level line is looked at when it is unmasked
    return latch(m, m[desc + D_CPU], m[desc + D_VECTOR])


@compiled
def unmask(m, desc):
    """Let a line through again; one that is still asserted comes at once."""
    m[desc + D_STATE] &= ~IRQ_MASKED
    if m[desc + D_LINE]:
        latch(m, m[desc + D_CPU], m[desc + D_VECTOR])
