"""Registers of a device as its driver reads and writes them.

One may be the status register: it shows whether the device wants attention, and acknowledges what is written back to it. All others
keep what was written. Left out: what a read or a write over the bus costs (say spend), registers that change by themselves.
"""

from tophalf.model.code.codefields import R_COUNT, R_DEVICE, R_READY, R_STATUS, R_WORDS
from tophalf.model.code.crash import NO_REGISTER, crash
from tophalf.model.fields import V_ASSERTED
from tophalf.model.ground.jit import compiled
from tophalf.model.irq.device import acknowledge


@compiled
def read_reg(m, cpu, registers, number):
    """What a register holds."""
    if number < 0 or number >= m[registers + R_COUNT]:
        crash(m, cpu, NO_REGISTER)
        return 0
    value = m[registers + R_WORDS + number]
    if number == m[registers + R_STATUS]:
        ready = m[registers + R_READY]
        value = value & ~ready | (ready if m[m[registers + R_DEVICE] + V_ASSERTED] else 0)
    return value


@compiled
def write_reg(m, cpu, registers, number, value):
    if number < 0 or number >= m[registers + R_COUNT]:
        crash(m, cpu, NO_REGISTER)
        return
    if number == m[registers + R_STATUS] and value & m[registers + R_READY]:
        acknowledge(m, m[registers + R_DEVICE])
    m[registers + R_WORDS + number] = value
