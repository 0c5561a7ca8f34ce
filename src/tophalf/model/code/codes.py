"""Instructions of drivers that people write: locals, state of devices, calls, time, locks, registers.

One at a time, as all instructions: a hardirq can come between any two. Left out: what the instructions themselves cost; time is
what a driver says with spend, udelay and sleeps.
"""

from tophalf.model.check.crash import SLEEPS_IN_ATOMIC, crash
from tophalf.model.code.arithmetic import operate
from tophalf.model.code.beyond import beyond
from tophalf.model.code.codefields import LOCALS_EACH
from tophalf.model.code.codeops import (
    ARITHMETIC_END,
    CODE_ARGUMENT,
    CODE_AWAKE,
    CODE_CALL,
    CODE_CLOCK,
    CODE_CONSTANT,
    CODE_COPY,
    CODE_CPU_NUMBER,
    CODE_END,
    CODE_FAIL,
    CODE_FETCH_ADD,
    CODE_FETCH_ADD_PERCPU,
    CODE_IRQS_RESTORE,
    CODE_IRQS_SAVE,
    CODE_LOAD,
    CODE_MIGHT_SLEEP,
    CODE_MUTEX_LOCK,
    CODE_MUTEX_UNLOCK,
    CODE_NONZERO,
    CODE_READ_REG,
    CODE_RESULT,
    CODE_RETURN,
    CODE_SET,
    CODE_SLEEP,
    CODE_SLEEP_JIFFIES,
    CODE_SPEND,
    CODE_SPIN_LOCK,
    CODE_SPIN_UNLOCK,
    CODE_STORE,
    CODE_WRITE_REG,
    CODE_ZERO,
    PLAIN_END,
)
from tophalf.model.code.locks import mutex_lock, mutex_unlock, spin_lock, spin_unlock
from tophalf.model.code.registers import read_reg, write_reg
from tophalf.model.fields import (
    BLOCKED,
    C_CURRENT,
    C_IRQS_OFF,
    C_NUMBER,
    C_PREEMPT_COUNT,
    DO_WAKE,
    F_ARG,
    F_LEFT,
    F_PC,
    F_R0,
    G_NOW,
    H_DO,
    IN_WHEEL,
    K_CPU,
    K_LOCALS,
    K_STATE,
    K_TIMER,
)
from tophalf.model.ground.jit import compiled, inlined, wrapped
from tophalf.model.ops import CODE_FROM, CODE_WAIT_FROM
from tophalf.model.sched.contexts import NO_INSTRUCTION, call, fail, pop
from tophalf.model.sched.sched import might_sleep, schedule
from tophalf.model.sched.tick import jiffies, mod_timer, start_timer

SPEND_NS_MAX = 1 << 50  # some days: beyond, times would not fit


@compiled
def execute_code(m, cpu, frame, op, x, y, z):
    """One instruction; `codeops` says what x, y and z are."""
    local = m[m[cpu + C_CURRENT] + K_LOCALS] + LOCALS_EACH * frame
    if op < CODE_FROM + CODE_CONSTANT:
        m[local + x] = operate(m, cpu, op, m[local + y], m[local + z])
    elif op < ARITHMETIC_END:
        m[local + x] = operate(m, cpu, op - CODE_CONSTANT, m[local + y], z)
    elif op < PLAIN_END:
        plain(m, cpu, frame, local, op, x, y, z)
    elif op >= CODE_WAIT_FROM:
        beyond(m, cpu, frame, local, op, x, y, z)
    else:
        outward(m, cpu, frame, local, op, x, y, z)


@inlined
def plain(m, cpu, frame, local, op, x, y, z):
    """Locals, state, jumps and calls."""
    if op == CODE_SET:
        m[local + x] = y
    elif op == CODE_COPY:
        m[local + x] = m[local + y]
    elif op == CODE_LOAD:
        m[local + x] = m[y]
    elif op == CODE_STORE:
        m[x] = m[local + y]
    elif op == CODE_ZERO:
        if m[local + x] == 0:
            m[frame + F_PC] = y
    elif op == CODE_NONZERO:
        if m[local + x]:
            m[frame + F_PC] = y
    elif op == CODE_CALL:
        enter(m, cpu, frame, x, local + y, z)
    elif op == CODE_RESULT:
        m[local + x] = m[frame + F_R0]
    elif op == CODE_RETURN:
        m[pop(m, cpu) + F_R0] = m[local + x]
    elif op == CODE_ARGUMENT:
        m[local + x] = m[frame + F_ARG]
    elif op == CODE_FETCH_ADD:
        fetch_add(m, local + x, y, z)
    elif op == CODE_FETCH_ADD_PERCPU:
        fetch_add(m, local + x, y + m[cpu + C_NUMBER], z)


@compiled
def enter(m, cpu, frame, program, first, count):
    """Call a function of the driver with its arguments."""
    called = call(m, cpu, program, 0)
    local = m[m[cpu + C_CURRENT] + K_LOCALS] + LOCALS_EACH * called
    for number in range(count):
        m[local + number] = m[first + number]


@inlined
def fetch_add(m, target, word, count):
    m[target] = m[word]
    m[word] = wrapped(m, m[word] + count)


@compiled
def outward(m, cpu, frame, local, op, x, y, z):
    """What reaches beyond the program: time, interrupts, registers, locks."""
    if op == CODE_SPEND:
        m[frame + F_LEFT] = nanoseconds(m, m[local + x], y)
    elif op == CODE_READ_REG:
        m[local + x] = read_reg(m, cpu, y, m[local + z] if z >= 0 else -1 - z)
    elif op == CODE_WRITE_REG:
        write_reg(m, cpu, x, m[local + y] if y >= 0 else -1 - y, m[local + z])
    elif op == CODE_SPIN_LOCK:
        spin_lock(m, cpu, frame, x)
    elif op == CODE_SPIN_UNLOCK:
        spin_unlock(m, cpu, x)
    elif op == CODE_IRQS_SAVE:
        m[local + x] = m[cpu + C_IRQS_OFF]
        m[cpu + C_IRQS_OFF] = 1
    elif op == CODE_IRQS_RESTORE:
        m[cpu + C_IRQS_OFF] = int(m[local + x] != 0)
    elif op == CODE_CPU_NUMBER:
        m[local + x] = m[cpu + C_NUMBER]
    elif op == CODE_CLOCK:
        m[local + x] = m[G_NOW]
    elif op == CODE_FAIL:
        crash(m, cpu, x)
    elif op < CODE_END:
        sleepy(m, cpu, frame, local, op, x, y)
    else:
        fail(m, cpu, NO_INSTRUCTION)


@compiled
def sleepy(m, cpu, frame, local, op, x, y):
    """What only tasks may do; the context was asked before (CODE_MIGHT_SLEEP)."""
    task = m[cpu + C_CURRENT]
    if op == CODE_MIGHT_SLEEP:
        if m[cpu + C_PREEMPT_COUNT] or m[cpu + C_IRQS_OFF]:
            crash(m, cpu, SLEEPS_IN_ATOMIC)
        else:
            might_sleep(m, cpu, frame)
    elif op == CODE_SLEEP:
        start_timer(m, task + K_TIMER, m[task + K_CPU], m[G_NOW] + nanoseconds(m, m[local + x], y))
        sleep(m, cpu, task)
    elif op == CODE_SLEEP_JIFFIES:
        m[task + K_TIMER + H_DO] = DO_WAKE + IN_WHEEL
        mod_timer(m, task + K_TIMER, m[task + K_CPU], jiffies(m) + max(min(m[local + x], SPEND_NS_MAX), 0))
        sleep(m, cpu, task)
    elif op == CODE_AWAKE:
        m[task + K_TIMER + H_DO] = DO_WAKE
    elif op == CODE_MUTEX_LOCK:
        mutex_lock(m, cpu, frame, x)
    elif op == CODE_MUTEX_UNLOCK:
        mutex_unlock(m, cpu, x)


@compiled
def nanoseconds(m, count, unit):
    """How long that many units are, within what can be waited for."""
    return min(max(count, 0), SPEND_NS_MAX // unit) * unit


@compiled
def sleep(m, cpu, task):
    m[task + K_STATE] = BLOCKED
    schedule(m, cpu, 0)
