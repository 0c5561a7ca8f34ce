"""Lines between devices and CPUs: signalled, masked, unmasked.

A level line comes through the IO-APIC, which sends nothing more from the moment a CPU takes it until the end of interrupt (remote
IRR); then, and when it is unmasked, it sends if the line is still asserted. An edge line is only ever masked with an event kept for
it (IRQ_PENDING), so that what comes meanwhile has nothing to add.
"""

from tophalf.model.apic import latch
from tophalf.model.fields import D_CPU, D_FLOW, D_IN_SERVICE, D_LINE, D_STATE, D_VECTOR, FLOW_EDGE, IRQ_MASKED
from tophalf.model.jit import compiled, inlined


@compiled
def raise_line(m, desc):
    """A device signals its line."""
    if not m[desc + D_STATE] & IRQ_MASKED and not m[desc + D_IN_SERVICE]:
        latch(m, m[desc + D_CPU], m[desc + D_VECTOR])


@inlined
def line_in_service(m, desc):
    """A CPU has taken the line."""
    m[desc + D_IN_SERVICE] = m[desc + D_FLOW] != FLOW_EDGE


@compiled
def end_of_interrupt(m, desc):
    """A level line that is still asserted, and let through, is sent again."""
    m[desc + D_IN_SERVICE] = 0
    if m[desc + D_LINE] and not m[desc + D_STATE] & IRQ_MASKED:
        latch(m, m[desc + D_CPU], m[desc + D_VECTOR])


@compiled
def unmask(m, desc):
    """Let a line through again; one that is still asserted comes at once, or after its end of interrupt."""
    m[desc + D_STATE] &= ~IRQ_MASKED
    if m[desc + D_LINE] and not m[desc + D_IN_SERVICE]:
        latch(m, m[desc + D_CPU], m[desc + D_VECTOR])
