"""Programs of drivers against a slow interpreter with big numbers and a dict of locals for each call; locks, registers, sleeps.

Twin of: codes, beyond, arithmetic, locks, registers, crash.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelprograms import at_times, program
from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.code import codeops as c
from tophalf.model.code.buildcode import add_lock, begin_code
from tophalf.model.code.buildhardware import add_registers
from tophalf.model.code.codefields import LOCALS_MAX
from tophalf.model.irq.builddevices import add_device

pytestmark = pytest.mark.kernels
FUNCTIONS, LOCALS, STATE = 3, 5, 4
LEAST, MOST = -(1 << 63), (1 << 63) - 1
BINARY = [
    lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a // b, lambda a, b: a % b, lambda a, b: a & b,
    lambda a, b: a | b, lambda a, b: a ^ b, lambda a, b: a << b, lambda a, b: a >> b, lambda a, b: a == b, lambda a, b: a != b,
    lambda a, b: a < b, lambda a, b: a <= b, lambda a, b: a > b, lambda a, b: a >= b,
]  # fmt: skip


class Crash(Exception):
    """What ends a run."""


class Slow:
    """functions: [[(op, x, y, z)]]; jumps go to an instruction's number; a call is x = function y of the two locals from z on."""

    def __init__(self, functions):
        self.functions, self.state = functions, [0] * STATE

    def call(self, number, arguments):
        local, at = dict(enumerate(arguments)), 0
        while True:
            op, x, y, z = self.functions[number][at]
            at += 1
            if op == c.CODE_RETURN:
                return local[x]
            if op in (c.CODE_ZERO, c.CODE_NONZERO):
                at = y if (local[x] == 0) == (op == c.CODE_ZERO) else at
            elif op == c.CODE_STORE:
                self.state[x] = local[y]
            elif op != c.CODE_SPEND:
                local[x] = self.value(local, op, y, z)

    def value(self, local, op, y, z):
        if op < c.ARITHMETIC_END:
            right = z if op >= c.CODE_ADD + c.CODE_CONSTANT else local[z]
            return binary((op - c.CODE_ADD) % c.CODE_CONSTANT, local[y], right)
        if op == c.CODE_CALL:
            return self.call(y, [local[z], local[z + 1]])
        if op == c.CODE_FETCH_ADD:
            before, self.state[y] = self.state[y], wrap(self.state[y] + z)
            return before
        return {c.CODE_SET: y, c.CODE_COPY: local.get(y), c.CODE_LOAD: self.state[y % STATE]}[op]


def wrap(value):
    return (value - LEAST) % (1 << 64) + LEAST


def binary(which, left, right):
    name = c.CODE_ADD + which
    if name in (c.CODE_DIV, c.CODE_MOD) and right == 0 or name in (c.CODE_SHL, c.CODE_SHR) and not 0 <= right < 64:
        raise Crash
    return wrap(int(BINARY[which](left, right)))


numbers = st.sampled_from([0, 1, -1, 2, 3, -7, 63, 64, 1000, LEAST, MOST]) | st.integers(LEAST, MOST)
locals_ = st.integers(0, LOCALS - 1)
words = st.integers(0, STATE - 1)


def lines(number):
    """One instruction of function `number`, a jump with what it leaps over."""
    binary_ops = st.integers(c.CODE_ADD, c.CODE_GE)
    shifts = st.sampled_from([c.CODE_SHL + c.CODE_CONSTANT, c.CODE_SHR + c.CODE_CONSTANT])
    choices = [
        st.tuples(binary_ops, locals_, locals_, locals_),
        st.tuples(binary_ops.map(lambda op: op + c.CODE_CONSTANT), locals_, locals_, numbers),
        st.tuples(shifts, locals_, locals_, st.integers(0, 63)),
        st.tuples(st.sampled_from([c.CODE_ZERO, c.CODE_NONZERO]), locals_, st.integers(0, 1), st.just(0)),
        st.tuples(st.just(c.CODE_COPY), locals_, locals_, st.just(0)),
        st.tuples(st.just(c.CODE_LOAD), locals_, words, st.just(0)),
        st.tuples(st.just(c.CODE_STORE), words, locals_, st.just(0)),
        st.tuples(st.just(c.CODE_FETCH_ADD), locals_, words, numbers),
        st.tuples(st.just(c.CODE_SPEND), locals_, st.just(0), st.just(0)),
    ]
    calls = st.tuples(st.just(c.CODE_CALL), locals_, st.just(number + 1), st.integers(0, LOCALS - 2))
    return st.one_of(*choices, *([calls] if number + 1 < FUNCTIONS else []))


@st.composite
def functions_(draw):
    """Each function has two arguments and may call the next; the other locals are set first; jumps go forward."""
    found = []
    for number in range(FUNCTIONS):
        body = [(c.CODE_SET, local, draw(numbers), 0) for local in range(2, LOCALS)]
        for line in draw(st.lists(lines(number), min_size=1, max_size=10)):
            is_jump = line[0] in (c.CODE_ZERO, c.CODE_NONZERO)
            body.append((*line[:2], len(body) + 1 + line[2], 0) if is_jump else line)
        found.append([*body, (c.CODE_SET, 4, 1, 0), (c.CODE_RETURN, draw(locals_), 0, 0)])
    return found


def place(builder, functions, state):
    """Their addresses; those that are called come first."""
    placed = {}
    for number in reversed(range(len(functions))):
        body = []
        for at, (op, x, y, z) in enumerate(functions[number]):
            body.append(f"at{at}")
            if op == c.CODE_CALL:
                body += [(op, placed[y], z, 2), (c.CODE_RESULT, x)]
            elif op in (c.CODE_ZERO, c.CODE_NONZERO):
                body.append((op, x, f"at{y}"))
            elif op == c.CODE_SPEND:
                body += [(c.CODE_AND + c.CODE_CONSTANT, LOCALS, x, 1023), (op, LOCALS, 1)]
            elif op == c.CODE_STORE:
                body.append((op, state + x, y))
            else:
                body.append((op, x, state + y if op in (c.CODE_LOAD, c.CODE_FETCH_ADD) else y, z))
        placed[number] = program(builder, *body)
    return placed


def calls(entry, target, *arguments):
    """Instructions that call a function and put what it returns into a word."""
    sets = [(c.CODE_SET, number, value) for number, value in enumerate(arguments)]
    return [*sets, (c.CODE_CALL, entry, 0, len(arguments)), (c.CODE_RESULT, 0), (c.CODE_STORE, target, 0)]


def coded(cpus=1, **how):
    builder = Builder(cpus=cpus, **how)
    begin_code(builder)
    return builder


def finished(builder, until_ns=10**7):
    world = builder.world()
    world.run(until_ns)
    return world.memory


@settings(max_examples=150, deadline=None)
@given(functions_(), numbers, numbers)
def test_random_programs_come_to_the_same(functions, first, second):
    builder, slow = coded(), Slow(functions)
    state, result = builder.memory.take(STATE), builder.memory.take(1)
    entry = place(builder, functions, state)[0]
    builder.task("app", 0, program(builder, *calls(entry, result, first, second), (ops.OP_EXIT,)))
    world = builder.world()
    try:
        expected = slow.call(0, [first, second])
    except Crash:
        with pytest.raises(TophalfError, match="divides by zero|shifts by"):
            world.run(10**8)
        return
    world.run(10**8)
    assert int(world.memory[result]) == expected
    assert [int(word) for word in world.memory[state : state + STATE]] == slow.state


COUNTING = [  # takes 1000 ns a round, and returns argument 0 times argument 1
    (c.CODE_SET, 2, 0, 0), (c.CODE_SET, 3, 1000, 0), (c.CODE_SPEND, 3, 0, 0), (c.CODE_ADD, 2, 2, 0),
    (c.CODE_SUB + c.CODE_CONSTANT, 1, 1, 1), (c.CODE_NONZERO, 1, 2, 0), (c.CODE_RETURN, 2, 0, 0),
]  # fmt: skip


def test_each_call_has_its_own_locals_on_several_cpus_and_in_handlers_that_interrupt_it():
    builder = coded(cpus=2)
    results = builder.memory.take(8)
    entry = place(builder, [COUNTING], 0)[0]
    for cpu in (0, 1):
        builder.task(f"app{cpu}", cpu, program(builder, *calls(entry, results + cpu, 7 + cpu, 50), (ops.OP_EXIT,)))
        at_times(builder, 24 + cpu, [5_000 + 700 * cpu, 30_000], *calls(entry, results + 2 + cpu, 100 + cpu, 3), cpu=cpu)
    m = finished(builder)
    assert [int(word) for word in m[results : results + 4]] == [350, 400, 300, 303]


def test_a_deep_call_overflows_the_stack_not_the_locals_of_another_task():
    builder = coded()
    entry = program(builder, (c.CODE_CALL, 0, 0, 0))
    builder.memory[entry + 1] = entry
    builder.task("app", 0, entry)
    with pytest.raises(TophalfError, match="stack of a task is full"):
        builder.world().run(10**6)


def test_a_world_without_such_programs_has_no_locals():
    builder = Builder()
    builder.world()
    assert not any(builder.memory[task + f.K_LOCALS] for task in builder.tasks.values())
    assert LOCALS_MAX % f.FRAME_SIZE == 0


def spend(ns):
    return ops.OP_SPEND_NS, ns


def test_a_cpu_spins_on_a_lock_that_another_has():
    builder = coded(cpus=2)
    lock, times = add_lock(builder), builder.memory.take(2)
    for cpu, before in ((0, 1000), (1, 1500)):
        builder.task(f"app{cpu}", cpu, program(
            builder, spend(before), (ops.OP_PREEMPT_OFF,), (c.CODE_SPIN_LOCK, lock), spend(2000), (c.CODE_CLOCK, 0),
            (c.CODE_STORE, times + cpu, 0), (c.CODE_SPIN_UNLOCK, lock), (ops.OP_PREEMPT_ON,), (ops.OP_EXIT,),
        ))  # fmt: skip
    m = finished(builder)
    assert [int(word) for word in m[times : times + 2]] == [3000, 5000]  # looked at 1500, 1600, ... 3000


def test_a_task_sleeps_for_a_mutex_and_is_handed_it_in_order():
    builder = coded(cpus=3)
    lock, times = add_lock(builder), builder.memory.take(3)
    for cpu, before in ((0, 1000), (1, 1500), (2, 1200)):
        builder.task(f"app{cpu}", cpu, program(
            builder, spend(before), (c.CODE_MIGHT_SLEEP,), (c.CODE_MUTEX_LOCK, lock), spend(10_000), (c.CODE_CLOCK, 0),
            (c.CODE_STORE, times + cpu, 0), (c.CODE_MUTEX_UNLOCK, lock), (ops.OP_EXIT,),
        ))  # fmt: skip
    m = finished(builder)
    assert [int(word) for word in m[times : times + 3]] == [11_000, 31_000, 21_000]


@pytest.mark.parametrize("unlock", [c.CODE_SPIN_UNLOCK, c.CODE_MUTEX_UNLOCK])
def test_unlocking_what_is_not_held_ends_the_run(unlock):
    builder = coded()
    builder.task("app", 0, program(builder, (unlock, add_lock(builder)), (ops.OP_EXIT,)))
    with pytest.raises(TophalfError, match="unlocks what is not locked"):
        builder.world().run(1000)


def test_sleeping_in_a_handler_ends_the_run():
    builder = coded()
    at_times(builder, 24, [1000], (c.CODE_MIGHT_SLEEP,))
    with pytest.raises(TophalfError, match="sleeps where its context may not"):
        builder.world().run(10_000)


@pytest.mark.parametrize("hz", [100, 250, 1000])
def test_sleeps_end_by_the_hrtimer_or_at_a_tick(hz):
    builder = coded(hz=hz)
    times, tick = builder.memory.take(2), 10**9 // hz
    clock = [(c.CODE_CLOCK, 1), (c.CODE_STORE, times, 1)]
    builder.task("app", 0, program(
        builder, spend(100), (c.CODE_SET, 0, 300), (c.CODE_SLEEP, 0, 1000), *clock, (c.CODE_SET, 0, 1),
        (c.CODE_SLEEP_JIFFIES, 0), (c.CODE_AWAKE,), clock[0], (c.CODE_STORE, times + 1, 1), (c.CODE_SLEEP, 0, 1000), (ops.OP_EXIT,),
    ))  # fmt: skip
    m = finished(builder, 5 * tick)
    assert [int(word) for word in m[times : times + 2]] == [300_100, 2 * tick]  # jiffy 1 is asked for; the wheel is never early


def test_registers_keep_what_is_written_and_the_status_acknowledges():
    builder = coded()
    line = builder.irq(24, flow=f.FLOW_LEVEL)
    device = add_device(builder, "dev", line, True, ("times", [1000]))
    registers, seen = add_registers(builder, device, 4, 1, 0x6), builder.memory.take(4)

    def read(number, target):
        return [(c.CODE_SET, 0, number), (c.CODE_READ_REG, 1, registers, 0), (c.CODE_STORE, seen + target, 1)]

    def write(number, value):
        return [(c.CODE_SET, 0, number), (c.CODE_SET, 1, value), (c.CODE_WRITE_REG, registers, 0, 1)]

    body = [*write(1, 0x8), *read(1, 0), *write(3, -5), *read(3, 1), *write(1, 0x4), *read(1, 2)]
    handler = program(builder, *body, (ops.OP_RET, f.IRQ_HANDLED))
    builder.action(line, "dev", handler)
    m = finished(builder)
    assert [int(word) for word in m[seen : seen + 3]] == [0x8 | 0x6, -5, 0]
    assert int(m[device + f.V_FIRED]) == 1 and int(m[device + f.V_ASSERTED]) == 0


@pytest.mark.parametrize("number", [-1, 4, MOST])
def test_a_register_that_is_not_there_ends_the_run(number):
    builder = coded()
    registers = add_registers(builder, add_device(builder, "dev", builder.irq(24)), 4)
    builder.task("app", 0, program(builder, (c.CODE_SET, 0, number), (c.CODE_READ_REG, 1, registers, 0)))
    with pytest.raises(TophalfError, match="register that its device does not have"):
        builder.world().run(1000)
