"""Plain devices: they signal at their times, edge or level, alone on a line or sharing it.

A level device holds its line until its handler acknowledges it. One with a CPU (V_CPU) signals a per-CPU line there.
"""

from tophalf.model.fields import (
    D_LINE,
    D_VECTOR,
    F_R1,
    Q_NEXT,
    V_ASSERTED,
    V_CPU,
    V_DESC,
    V_FIRED,
    V_LET_GO,
    V_LEVEL,
    V_SOURCE,
    V_TIMER,
)
from tophalf.model.ground.jit import compiled
from tophalf.model.ground.queue import arm
from tophalf.model.irq.apic import latch
from tophalf.model.irq.irqdisable import disable_irq_nosync
from tophalf.model.irq.irqlines import raise_line
from tophalf.model.irq.irqstartup import enable_irq
from tophalf.model.net.nicring import go_to_next
from tophalf.model.ops import OP_DEVICE_ACK, OP_DEVICE_READ, OP_DISABLE_IRQ, OP_ENABLE_IRQ, OP_TRIGGER


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
    m[device + V_FIRED] += 1
    signal(m, device)


@compiled
def signal(m, device):
    """It asserts its line, or sends its message."""
    desc = m[device + V_DESC]
    if m[device + V_LEVEL] and not m[device + V_ASSERTED]:
        m[desc + D_LINE] += 1
    m[device + V_ASSERTED] = 1
    if m[device + V_CPU]:
        latch(m, m[device + V_CPU], m[desc + D_VECTOR])
    else:
        raise_line(m, desc)


@compiled
def acknowledge(m, device):
    """Its handler tells the device that it was heard."""
    if m[device + V_ASSERTED]:
        m[device + V_LET_GO] += 1
        if m[device + V_LEVEL]:
            m[m[device + V_DESC] + D_LINE] -= 1
    m[device + V_ASSERTED] = 0


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
        disable_irq_nosync(m, x)
    elif op == OP_ENABLE_IRQ:
        enable_irq(m, cpu, x)
