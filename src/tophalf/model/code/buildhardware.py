"""Registers of a device, and what the device does behind them, of a world that is being built."""

from tophalf.model import fields as f
from tophalf.model.code import codefields as c

ROLES = {"status": c.STATUS, "enable": c.ENABLES, "mask": c.ENABLES, "data": c.DATA, "produced": c.PRODUCED, "consumed": c.CONSUMED,
         "start": c.START, "doorbell": c.DOORBELL}  # fmt: skip


def add_registers(builder, device, count, status=0, ready=1, idle=0, depth=1, latency=0, units=1, **roles):
    """Registers of a device, numbered from 0. status: the number of the one that tells what is set, None for none; ready, idle: the
    bits that say so there; depth: places for what has arrived; latency: address of a cost; units: operations at a time; roles:
    the numbers of registers, by the names of ROLES. Returns their address."""
    m = builder.memory
    registers = m.take(c.R_WORDS + c.REGISTER_SIZE * count)
    m[registers + c.R_DEVICE], m[registers + c.R_COUNT] = device, count
    m[registers + c.R_READY], m[registers + c.R_IDLE], m[registers + c.R_DEPTH] = ready, idle, depth
    for name, number in {"status": status, **roles}.items():
        if number is not None:
            m[register(registers, number) + c.REGISTER_ROLE] |= ROLES[name]
    _let_interrupt(m, registers, roles)
    _make_room(m, registers, depth, roles)
    _add_units(builder, registers, latency, units if {"start", "doorbell"} & roles.keys() else 0)
    m[device + f.V_TIMER + f.T_KIND], m[device + f.V_TIMER + f.T_OWNER] = f.ON_ARRIVAL, registers
    builder.registers.append(registers)
    return registers


def register(registers, number):
    """Where the words of a register lie."""
    return registers + c.R_WORDS + c.REGISTER_SIZE * number


def _let_interrupt(m, registers, roles):
    number = roles.get("enable", roles.get("mask"))
    if number is not None:
        m[registers + c.R_ENABLE] = register(registers, number) + c.REGISTER_WORD
        m[registers + c.R_FLIP] = -1 if "mask" in roles else 0


def _make_room(m, registers, depth, roles):
    """A ring is full with one place empty: a full one would look like an empty one."""
    m[registers + c.R_IS_LATCH] = int("data" not in roles and "produced" not in roles)
    m[registers + c.R_ROOM] = depth if "data" in roles else depth - 1 if "produced" in roles else 1
    if "data" in roles:
        m[registers + c.R_FIFO] = m.take(depth)


def _add_units(builder, registers, latency, units):
    m = builder.memory
    m[registers + c.R_LATENCY], m[registers + c.R_UNIT_COUNT] = latency, units
    m[registers + c.R_UNITS] = m.take(units * f.TIMER_SIZE)
    builder.units += units
    for number in range(units):
        builder.timer(m[registers + c.R_UNITS] + number * f.TIMER_SIZE, f.ON_OPERATION, registers)
