"""Devices behind registers against a plain device of lists: what is read, which lines are asserted, when messages are sent.

Twin of: hardware, registers.
"""

from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelprograms import program
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.code import codefields as k
from tophalf.model.code import codeops as c
from tophalf.model.code.buildcode import begin_code
from tophalf.model.code.buildhardware import add_registers
from tophalf.model.irq.builddevices import add_device

pytestmark = pytest.mark.kernels
STATUS, ENABLE, DATA, PRODUCED, CONSUMED, START, DOORBELL, PLAIN, COUNT = range(9)
READY, IDLE = 0x5, 0x2
STEP_NS, LATENCY_NS = 10, 27  # accesses at multiples of 10 ns, arrivals 3 ns after one, ends 7 ns after one


class Slow:
    """The device: roles {name: number}; `messages`: how many it sends."""

    def __init__(self, roles, idle, depth, units):
        self.roles, self.names, self.idle, self.depth, self.units = roles, {}, idle, depth, units
        for name, number in roles.items():
            self.names.setdefault(number, []).append(name)
        self.words, self.waiting, self.arrived, self.dropped, self.last = [0] * COUNT, deque(), 0, 0, 0
        self.queued, self.running, self.started, self.refused, self.completed, self.rung = 0, [], 0, 0, 0, 0
        self.asserted, self.messages = False, 0
        self.look(0)

    @property
    def status(self):
        is_idle = not self.queued and not self.running
        return (READY if self.waiting else 0) | (self.idle if is_idle else 0)

    def look(self, new):
        """Whether the line is asserted after something has changed; new: what has just come about."""
        wanted = self.status
        if "enable" in self.roles:
            wanted &= self.words[ENABLE]
        if "mask" in self.roles:
            wanted &= ~self.words[ENABLE]
        if wanted and (wanted & new or not self.asserted):
            self.messages += 1
        self.asserted = bool(wanted)

    def arrive(self, now):
        self.arrived += 1
        places = self.depth if "data" in self.roles else self.depth - 1 if "produced" in self.roles else 1
        if len(self.waiting) < places:
            self.waiting.append(self.arrived)
        else:
            self.dropped += 1
            if places > 1 or "data" in self.roles or "produced" in self.roles:
                return
        self.look(READY)

    def run_until(self, now):
        """Operations that end before now."""
        while self.running and min(self.running) < now:
            end = min(self.running)
            self.running.remove(end)
            self.completed += 1
            self.begin(end)
            if self.idle:
                self.look(self.status & self.idle)
            else:
                self.arrive(end)

    def begin(self, now):
        while self.queued and len(self.running) < self.units:
            self.queued -= 1
            self.running.append(now + LATENCY_NS)

    def ask(self, now, count):
        for _ in range(count):
            if self.queued + len(self.running) < self.depth:
                self.queued += 1
                self.started += 1
            else:
                self.refused += 1
        self.begin(now)
        self.look(0)

    def read(self, now, number):
        names = self.names.get(number, [])
        if "status" in names:
            return self.words[number] & ~(READY | self.idle) | self.status
        if "data" in names:
            if self.waiting:
                self.last = self.waiting.popleft()
                self.look(0)
            return self.last
        return (self.arrived - self.dropped) % self.depth if "produced" in names else self.words[number]

    def write(self, now, number, value):
        self.words[number] = value
        for name in self.names.get(number, []):
            if name == "status" and value & READY and not {"data", "produced"} & self.roles.keys():
                self.waiting.clear()
            if name == "consumed":
                behind = (self.arrived - self.dropped - value) % self.depth
                self.waiting = deque([0] * behind)
            if name == "start":
                self.ask(now, 1)
            if name == "doorbell":
                count, self.rung = (value % self.depth - self.rung) % self.depth, value % self.depth
                self.ask(now, count)
        self.look(0)


@st.composite
def devices(draw):
    roles = {"status": STATUS} | draw(st.sampled_from([{}, {"enable": ENABLE}, {"mask": ENABLE}]))
    roles |= draw(st.sampled_from([{}, {"data": DATA}, {"produced": PRODUCED, "consumed": CONSUMED}]))
    roles |= draw(st.sampled_from([{}, {"start": START}, {"start": DATA}, {"doorbell": DOORBELL}]))
    idle = draw(st.sampled_from([0, IDLE])) if {"start", "doorbell"} & roles.keys() else 0
    return roles, idle, draw(st.integers(2, 5)), draw(st.integers(1, 3))


values = st.sampled_from([0, 1, 2, 3, 4, 7, -1, 1000])
accesses = st.lists(st.tuples(st.integers(0, COUNT - 1), st.none() | values), max_size=40)


@settings(max_examples=150, deadline=None)
@given(devices(), accesses, st.lists(st.integers(0, 45), max_size=20), st.booleans())
def test_random_accesses_and_arrivals_come_to_the_same(device, accessed, arrivals, level):
    roles, idle, depth, units = device
    came = sorted(STEP_NS * at + 3 for at in arrivals)
    slow, expected = Slow(roles, idle, depth, units), []
    for at, (number, value) in enumerate(accessed, 1):
        now = at * STEP_NS
        let_happen(slow, came, now)
        expected.append(slow.read(now, number) if value is None else slow.write(now, number, value) or 0)
        expected.append(int(slow.asserted))
    let_happen(slow, came, 10**6)
    came = sorted(STEP_NS * at + 3 for at in arrivals)
    m, registers, seen, asserted, heard = run(roles, idle, depth, units, accessed, came, level)
    assert [int(word) for word in seen] == expected
    counts = [int(m[registers + field]) for field in (k.R_ARRIVED, k.R_DROPPED, k.R_STARTED, k.R_REFUSED, k.R_COMPLETED)]
    assert counts == [slow.arrived, slow.dropped, slow.started, slow.refused, slow.completed]
    assert asserted == slow.asserted
    assert level or heard == slow.messages


def let_happen(slow, came, now):
    while came and came[0] < now:
        slow.run_until(came[0])
        slow.arrive(came.pop(0))
    slow.run_until(now)


def run(roles, idle, depth, units, accessed, came, level):
    """(memory, registers, words seen, whether the line is asserted, how many messages a handler on another CPU heard)."""
    builder = Builder(cpus=2)
    begin_code(builder)
    line = builder.irq(24, 1, f.FLOW_LEVEL if level else f.FLOW_EDGE)
    device = add_device(builder, "dev", line, level, ("times", came))
    registers = add_registers(
        builder, device, COUNT, ready=READY, idle=idle, depth=depth, units=units, latency=builder.cost(LATENCY_NS, "it"), **roles
    )
    seen, heard = builder.memory.take(2 * len(accessed)), builder.memory.take(1)
    if not level:  # nobody would quiet it
        builder.action(line, "dev", program(builder, (c.CODE_FETCH_ADD, 0, heard, 1), (ops.OP_RET, f.IRQ_HANDLED)))
    code = []
    for at, (number, value) in enumerate(accessed):
        code += [(ops.OP_SPEND_NS, STEP_NS), (c.CODE_SET, 0, number), (c.CODE_SET, 1, 0)]
        if value is None:
            code.append((c.CODE_READ_REG, 1, registers, 0))
        else:
            code += [(c.CODE_SET, 2, value), (c.CODE_WRITE_REG, registers, 0, 2)]
        code += [(c.CODE_STORE, seen + 2 * at, 1), (c.CODE_LOAD, 1, device + f.V_ASSERTED), (c.CODE_STORE, seen + 2 * at + 1, 1)]
    builder.task("app", 0, program(builder, *code, (ops.OP_EXIT,)))
    world = builder.world()
    world.run(10**6)
    m = world.memory
    asserted = bool(m[device + f.V_ASSERTED])
    assert int(m[line + f.D_LINE]) == int(level and asserted)
    return m, registers, m[seen : seen + 2 * len(accessed)], asserted, int(m[heard])
