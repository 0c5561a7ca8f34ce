"""Lines between devices and CPUs: signalled, masked, unmasked.

A level line comes through the IO-APIC, which sends nothing more from the moment it sent until the end of interrupt (remote IRR);
then, and when it is unmasked, it sends if the line is still asserted. A device that sends messages (MSI) keeps one that it may not
send while it is masked (the pending bit array of MSI-X, the pending register of MSI), and sends it when it is unmasked. An edge at
the IO-APIC while the line is masked there is lost. Left out: MSI devices that cannot be masked, 8259 controllers.
"""

from tophalf.model.fields import (
    CHIP_MSI,
    D_CHIP,
    D_CPU,
    D_FLOW,
    D_HELD,
    D_IN_SERVICE,
    D_LINE,
    D_STATE,
    D_VECTOR,
    FLOW_FASTEOI,
    FLOW_LEVEL,
    IRQ_MASKED,
)
from tophalf.model.ground.jit import compiled, inlined
from tophalf.model.irq.apic import latch


@inlined
def is_level(m, desc):
    """irq_settings_is_level."""
    return m[desc + D_FLOW] == FLOW_LEVEL or m[desc + D_FLOW] == FLOW_FASTEOI


@compiled
def send(m, desc):
    """A line's message goes to its CPU."""
    m[desc + D_IN_SERVICE] = is_level(m, desc)
    latch(m, m[desc + D_CPU], m[desc + D_VECTOR])


@compiled
def raise_line(m, desc):
    """A device signals its line."""
    if not m[desc + D_STATE] & IRQ_MASKED:
        if not m[desc + D_IN_SERVICE]:
            send(m, desc)
    elif m[desc + D_CHIP] == CHIP_MSI:
        m[desc + D_HELD] = 1


@compiled
def end_of_interrupt(m, desc):
    """A level line that is still asserted, and let through, is sent again."""
    m[desc + D_IN_SERVICE] = 0
    if m[desc + D_LINE] and not m[desc + D_STATE] & IRQ_MASKED and is_level(m, desc):
        send(m, desc)


@compiled
def unmask(m, desc):
    """Let a masked line through again; one that is still asserted comes at once, or after its end of interrupt."""
    if not m[desc + D_STATE] & IRQ_MASKED:
        return
    m[desc + D_STATE] &= ~IRQ_MASKED
    if m[desc + D_HELD] or (m[desc + D_LINE] and is_level(m, desc) and not m[desc + D_IN_SERVICE]):
        m[desc + D_HELD] = 0
        send(m, desc)
