"""Registers of a device as its driver reads and writes them.

They keep what was written; some show or do more (codefields, REGISTER_ROLE). The status register shows what is set beside what was
written there last, and acknowledges what is written back to it. Left out: what a read or a write over the bus costs (say spend).
"""

from tophalf.model.check.crash import NO_REGISTER, crash
from tophalf.model.code.codefields import (
    CONSUMED,
    DATA,
    DOORBELL,
    ENABLES,
    PRODUCED,
    R_ARRIVED,
    R_COUNT,
    R_DEPTH,
    R_DROPPED,
    R_FIFO,
    R_GONE,
    R_IDLE,
    R_IS_LATCH,
    R_READY,
    R_RUNG,
    R_SEEN,
    R_TAKEN,
    R_WAITS,
    R_WORDS,
    REGISTER_ROLE,
    REGISTER_SIZE,
    REGISTER_WORD,
    START,
    STATUS,
)
from tophalf.model.code.hardware import causes, settle, start
from tophalf.model.ground.jit import compiled


@compiled
def read_reg(m, cpu, registers, number):
    """What a register holds."""
    if number < 0 or number >= m[registers + R_COUNT]:
        crash(m, cpu, NO_REGISTER)
        return 0
    place = registers + R_WORDS + REGISTER_SIZE * number
    role = m[place + REGISTER_ROLE]
    if role:
        m[registers + R_SEEN] += int(causes(m, registers) != 0)
    if role & STATUS:
        shown = m[registers + R_READY] | m[registers + R_IDLE]
        return m[place + REGISTER_WORD] & ~shown | causes(m, registers)
    if role & DATA:
        return take(m, registers)
    if role & PRODUCED:
        return accepted(m, registers) % m[registers + R_DEPTH]
    return m[place + REGISTER_WORD]


@compiled
def accepted(m, registers):
    """How many arrivals found a place."""
    return m[registers + R_ARRIVED] - m[registers + R_DROPPED]


@compiled
def take(m, registers):
    """The number of the oldest arrival, which is taken; once more the last where there is none."""
    if m[registers + R_WAITS]:
        oldest = accepted(m, registers) - m[registers + R_WAITS]
        m[registers + R_TAKEN] = m[m[registers + R_FIFO] + oldest % m[registers + R_DEPTH]]
        leave(m, registers, m[registers + R_WAITS] - 1)
    return m[registers + R_TAKEN]


@compiled
def leave(m, registers, waits):
    """So many wait now."""
    m[registers + R_GONE] += max(m[registers + R_WAITS] - waits, 0)
    m[registers + R_WAITS] = waits
    settle(m, registers, 0)


@compiled
def write_reg(m, cpu, registers, number, value):
    if number < 0 or number >= m[registers + R_COUNT]:
        crash(m, cpu, NO_REGISTER)
        return
    place = registers + R_WORDS + REGISTER_SIZE * number
    m[place + REGISTER_WORD] = value
    if m[place + REGISTER_ROLE]:
        written(m, registers, m[place + REGISTER_ROLE], value)


@compiled
def written(m, registers, role, value):
    """What the device does of it."""
    if role & STATUS:
        if value & m[registers + R_READY] and m[registers + R_IS_LATCH]:
            leave(m, registers, 0)
    elif role & ENABLES:
        settle(m, registers, 0)
    elif role & CONSUMED:
        leave(m, registers, (accepted(m, registers) - value) % m[registers + R_DEPTH])
    elif role & START:
        start(m, registers, 1)
    elif role & DOORBELL:
        rung = value % m[registers + R_DEPTH]
        start(m, registers, (rung - m[registers + R_RUNG]) % m[registers + R_DEPTH])
        m[registers + R_RUNG] = rung
