"""What the device of a driver does by itself: what arrives waits to be taken, operations that were started end, its line follows.

What arrives sets the bits R_READY of its status, as long as it waits in one place that is acknowledged (a latch), in a FIFO or in
a ring; where it finds no place it is dropped and counted. R_IDLE are set while no operation is under way. The line is asserted
while one of these is set and may interrupt: a level line follows, on an edge line a message is sent for each of them as it comes,
and when one that is set already is let interrupt. Left out: what is transferred, only that it came; moderation by the device.
"""

from tophalf.model.code.codefields import (
    R_ARRIVED,
    R_BUSY,
    R_COMPLETED,
    R_DEPTH,
    R_DEVICE,
    R_DROPPED,
    R_ENABLE,
    R_FIFO,
    R_FLIP,
    R_IDLE,
    R_IS_LATCH,
    R_LATENCY,
    R_READY,
    R_REFUSED,
    R_ROOM,
    R_STARTED,
    R_UNIT_COUNT,
    R_UNITS,
    R_WAITS,
)
from tophalf.model.fields import G_NOW, ON_ARRIVAL, Q_NEXT, T_SLOT, TIMER_SIZE, V_ASSERTED, V_FIRED, V_SOURCE, V_TIMER
from tophalf.model.ground.costs import cost
from tophalf.model.ground.jit import compiled, inlined
from tophalf.model.ground.queue import arm
from tophalf.model.irq.device import acknowledge, signal
from tophalf.model.net.nicring import go_to_next


@compiled
def causes(m, registers):
    """Bits of the status that are set."""
    found = m[registers + R_READY] if m[registers + R_WAITS] else 0
    if m[registers + R_STARTED] == m[registers + R_COMPLETED]:
        found |= m[registers + R_IDLE]
    return found


@compiled
def settle(m, registers, new):
    """The line follows what is set. new: bits that have just come about, each worth a message."""
    wants = causes(m, registers)
    if m[registers + R_ENABLE]:
        wants &= m[m[registers + R_ENABLE]] ^ m[registers + R_FLIP]
    device = m[registers + R_DEVICE]
    if wants == 0:
        acknowledge(m, device)
    elif wants & new or not m[device + V_ASSERTED]:
        signal(m, device)


@compiled
def hardware_begins(m, registers):
    """Before the run: what probe has started, and a line that is asserted at first."""
    start_units(m, registers)
    settle(m, registers, 0)


@compiled
def hardware_fires(m, kind, registers):
    """The time of an arrival has come, or of the end of an operation."""
    if kind == ON_ARRIVAL:
        arrives_by_itself(m, registers)
    else:
        operation_ends(m, registers)


@compiled
def arrives_by_itself(m, registers):
    """So will the next."""
    device = m[registers + R_DEVICE]
    source = m[device + V_SOURCE]
    go_to_next(m, source)
    arm(m, device + V_TIMER, m[source + Q_NEXT])
    arrive(m, registers)


@compiled
def arrive(m, registers):
    """Something has come, and takes a place. A latch is set once more where there is none."""
    number = m[registers + R_ARRIVED] - m[registers + R_DROPPED]
    m[registers + R_ARRIVED] += 1
    m[m[registers + R_DEVICE] + V_FIRED] += 1
    if m[registers + R_WAITS] == m[registers + R_ROOM]:
        m[registers + R_DROPPED] += 1
        if not m[registers + R_IS_LATCH]:
            return
    else:
        m[registers + R_WAITS] += 1
        if m[registers + R_FIFO]:
            m[m[registers + R_FIFO] + number % m[registers + R_DEPTH]] = m[registers + R_ARRIVED]
    settle(m, registers, m[registers + R_READY])


@compiled
def start(m, registers, count):
    """The driver asks for operations; those for which there is no room any more are refused and counted."""
    room = m[registers + R_DEPTH] - m[registers + R_STARTED] + m[registers + R_COMPLETED]
    taken = min(count, room)
    m[registers + R_STARTED] += taken
    m[registers + R_REFUSED] += count - taken
    start_units(m, registers)
    settle(m, registers, 0)


@inlined
def start_units(m, registers):
    """What waits for a unit of the device gets one that is free."""
    unit = m[registers + R_UNITS]
    while m[registers + R_BUSY] < min(m[registers + R_UNIT_COUNT], m[registers + R_STARTED] - m[registers + R_COMPLETED]):
        while m[unit + T_SLOT]:
            unit += TIMER_SIZE
        arm(m, unit, m[G_NOW] + cost(m, m[registers + R_LATENCY]))
        m[registers + R_BUSY] += 1


@compiled
def operation_ends(m, registers):
    """An operation is complete: it shows in the status where that says so, else it is what arrives."""
    m[registers + R_BUSY] -= 1
    m[registers + R_COMPLETED] += 1
    start_units(m, registers)
    if m[registers + R_IDLE]:
        settle(m, registers, m[registers + R_IDLE])
    else:
        arrive(m, registers)
