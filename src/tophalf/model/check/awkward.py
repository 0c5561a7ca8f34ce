"""Interrupts at the awkward moments: a device wants attention just before a step of a driver, on the CPU that does it or another.

Where a world is built for it, each statement of a driver has an instruction before it that looks whether it is the step that is
meant, and the time of it that is meant: then something arrives at the device, and the message of its line goes to that CPU, or to
the next one, as if its mask had been that CPU. What the CPU keeps waiting (interrupts off) comes when it may. At a device that does
only what it was started for, the operation that would end next ends then; where none is under way, nothing comes.
"""

from tophalf.model.code.codefields import R_BUSY, R_DEVICE, R_UNIT_COUNT, R_UNITS
from tophalf.model.code.hardware import arrive, operation_ends
from tophalf.model.fields import (
    C_NUMBER,
    C_VECTORS,
    CPU_SIZE,
    D_CPU,
    D_VECTOR,
    G_CPU_COUNT,
    G_CPUS,
    G_NOW,
    T_SLOT,
    TIMER_SIZE,
    V_DESC,
    V_SOURCE,
)
from tophalf.model.ground.jit import compiled
from tophalf.model.ground.queue import cancel, is_before

# What is meant, one a world. AW_STEP: a number from 1 on, 0 for none; AW_LEFT: how often it is still to be done until then, 1 for
# the next time; AW_REGISTERS: of the device; AW_NEXT: whether the CPU after the one that does the step is interrupted; AW_TIME:
# when it was, -1 before.
AW_STEP, AW_LEFT, AW_REGISTERS, AW_NEXT, AW_TIME, AWKWARD_SIZE = range(6)


@compiled
def look(m, cpu, awkward, step):
    """A CPU is about to do a step."""
    if m[awkward + AW_STEP] != step:
        return
    m[awkward + AW_LEFT] -= 1
    if m[awkward + AW_LEFT] == 0:
        m[awkward + AW_TIME] = m[G_NOW]
        if m[awkward + AW_NEXT]:
            cpu = m[G_CPUS] if m[cpu + C_NUMBER] == m[G_CPU_COUNT] - 1 else cpu + CPU_SIZE
        arrive_on(m, cpu, m[awkward + AW_REGISTERS])


@compiled
def arrive_on(m, cpu, registers):
    """Something happens at a device. Its vector is free on other CPUs, or the message goes where it always does."""
    desc = m[m[registers + R_DEVICE] + V_DESC]
    home, place = m[desc + D_CPU], cpu + C_VECTORS + m[desc + D_VECTOR]
    if m[place] == 0:
        m[place] = desc
    if m[place] == desc:
        m[desc + D_CPU] = cpu
    happen(m, registers)
    m[desc + D_CPU] = home


@compiled
def happen(m, registers):
    """Something arrives, or where nothing does that was not asked for, an operation ends before its time."""
    if m[registers + R_UNIT_COUNT] == 0 or m[m[registers + R_DEVICE] + V_SOURCE]:
        arrive(m, registers)
    elif m[registers + R_BUSY]:
        cancel(m, next_to_end(m, registers))
        operation_ends(m, registers)


@compiled
def next_to_end(m, registers):
    """The unit whose operation ends before those of the others; one is under way."""
    first, unit = 0, m[registers + R_UNITS]
    for _ in range(m[registers + R_UNIT_COUNT]):
        if m[unit + T_SLOT] and (first == 0 or is_before(m, unit, first)):
            first = unit
        unit += TIMER_SIZE
    return first
