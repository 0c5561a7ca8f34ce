"""Plain devices: they signal at their times, edge or level, alone on a line or sharing it; and disable_irq, enable_irq.

A level device holds its line until its handler acknowledges it. kernel/irq/manage.c __disable_irq, __enable_irq: disabling is lazy,
the line is masked when it next comes; kernel/irq/resend.c check_irq_resend: an edge that came meanwhile is sent again.
"""

from tophalf.model.fields import (
    D_DEPTH,
    D_FLOW,
    D_LINE,
    D_STATE,
    F_R1,
    FLOW_EDGE,
    IRQ_DISABLED,
    IRQ_PENDING,
    IRQ_REPLAY,
    Q_NEXT,
    V_ASSERTED,
    V_DESC,
    V_FIRED,
    V_LEVEL,
    V_SOURCE,
    V_TIMER,
)
from tophalf.model.irqlines import raise_line, unmask
from tophalf.model.jit import compiled
from tophalf.model.nicplan import go_to_next
from tophalf.model.ops import OP_DEVICE_ACK, OP_DEVICE_READ, OP_DISABLE_IRQ, OP_ENABLE_IRQ, OP_TRIGGER
from tophalf.model.queue import arm


@compiled
def device_listens(m, device):
    """Before the run: its first time."""
    if m[device + V_SOURCE]:
        arm(m, device + V_TIMER, m[m[device + V_SOURCE] + Q_NEXT])


@compiled
def device_fires(m, device):
    """The device's time has come; so will the next."""
    source = m[device + V_SOURCE]
    go_to_next(m, source)
    arm(m, device + V_TIMER, m[source + Q_NEXT])
    trigger(m, device)


@compiled
def trigger(m, device):
    """The device wants attention."""
    desc = m[device + V_DESC]
    m[device + V_FIRED] += 1
    if m[device + V_LEVEL] and not m[device + V_ASSERTED]:
        m[desc + D_LINE] += 1
    m[device + V_ASSERTED] = 1
    raise_line(m, desc)


@compiled
def acknowledge(m, device):
    """Its handler tells the device that it was heard."""
    if m[device + V_LEVEL] and m[device + V_ASSERTED]:
        m[m[device + V_DESC] + D_LINE] -= 1
    m[device + V_ASSERTED] = 0


@compiled
def disable_irq(m, desc):
    """disable_irq_nosync: does not wait for a handler that runs."""
    m[desc + D_DEPTH] += 1
    m[desc + D_STATE] |= IRQ_DISABLED


@compiled
def enable_irq(m, desc):
    """The last enable_irq lets the line through and sends an edge again that came in between."""
    if m[desc + D_DEPTH] == 0:
        return
    m[desc + D_DEPTH] -= 1
    if m[desc + D_DEPTH]:
        return
    m[desc + D_STATE] &= ~IRQ_DISABLED
    unmask(m, desc)
    state = m[desc + D_STATE]
    m[desc + D_STATE] = state & ~IRQ_PENDING  # a level line is never sent again: it is still asserted, or it was nothing
    if m[desc + D_FLOW] == FLOW_EDGE and state & IRQ_PENDING and not state & IRQ_REPLAY:
        m[desc + D_STATE] |= IRQ_REPLAY
        raise_line(m, desc)


@compiled
def execute_device(m, cpu, frame, op, x):
    """Instructions of handlers and drivers; x: the device, or the line."""
    if op == OP_DEVICE_ACK:
        acknowledge(m, x)
    elif op == OP_DEVICE_READ:
        m[frame + F_R1] = m[x + V_ASSERTED]
    elif op == OP_TRIGGER:
        trigger(m, x)
    elif op == OP_DISABLE_IRQ:
        disable_irq(m, x)
    elif op == OP_ENABLE_IRQ:
        enable_irq(m, x)
