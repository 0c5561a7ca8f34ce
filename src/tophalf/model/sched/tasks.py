"""What tasks do besides computing: sleep, block, be woken, enter the kernel, keep interrupts and preemption away."""

from tophalf.model.fields import (
    C_CURRENT,
    C_IRQS_OFF,
    C_NEED_RESCHED,
    C_PARKED,
    C_PREEMPT_COUNT,
    COST_PAGE_FAULT,
    COST_SIZE,
    COST_SYSCALL,
    DEAD,
    F_LEFT,
    F_PC,
    G_COSTS,
    G_FAULTS,
    G_NOW,
    G_PREEMPT,
    G_SYSCALLS,
    IN_SYSCALL,
    K_CPU,
    K_STATE,
    K_TIMER,
    RESCHED,
    SLEEPING,
    TASK,
)
from tophalf.model.ground.costs import cost
from tophalf.model.ground.jit import compiled, inlined
from tophalf.model.ops import (
    OP_BH_OFF,
    OP_BH_ON,
    OP_BLOCK,
    OP_COND_RESCHED,
    OP_EXIT,
    OP_FAULT,
    OP_HALT,
    OP_IRQS_OFF,
    OP_IRQS_ON,
    OP_PREEMPT_OFF,
    OP_PREEMPT_ON,
    OP_SLEEP,
    OP_SYSCALL,
    OP_WAKE,
    STRIDE,
)
from tophalf.model.sched.contexts import charge, push
from tophalf.model.sched.sched import PREEMPT_FULL, schedule
from tophalf.model.sched.tick import start_timer
from tophalf.model.sched.wakeup import wake
from tophalf.model.softirq.softirq import local_bh_disable, local_bh_enable


@inlined
def execute_task(m, cpu, frame, op, x, y):
    """Instructions of tasks. Returns whether the CPU halts."""
    if op == OP_HALT:
        m[frame + F_PC] -= STRIDE
        m[cpu + C_PARKED] = 1
        return True
    if op == OP_SLEEP:
        task = m[cpu + C_CURRENT]
        start_timer(m, task + K_TIMER, m[task + K_CPU], m[G_NOW] + x)
        block(m, cpu, SLEEPING)
    elif op == OP_BLOCK:
        block(m, cpu, x)
    elif op == OP_EXIT:
        block(m, cpu, DEAD)
    elif op == OP_WAKE:
        wake(m, cpu, x)
    elif op == OP_COND_RESCHED:
        if m[cpu + C_NEED_RESCHED] == RESCHED and m[cpu + C_PREEMPT_COUNT] == 0:
            schedule(m, cpu, 1)
    else:
        guard(m, cpu, frame, op, x)
    return False


@compiled
def block(m, cpu, state):
    m[m[cpu + C_CURRENT] + K_STATE] = state
    schedule(m, cpu, 0)


@compiled
def guard(m, cpu, frame, op, x):
    """Sections that keep others out, and the way into the kernel and back."""
    if op == OP_IRQS_OFF:
        m[cpu + C_IRQS_OFF] = 1
    elif op == OP_IRQS_ON:
        m[cpu + C_IRQS_OFF] = 0
    elif op == OP_BH_OFF:
        local_bh_disable(m, cpu, frame)
    elif op == OP_BH_ON:
        local_bh_enable(m, cpu)
        check_resched(m, cpu)
    elif op == OP_PREEMPT_OFF:
        m[cpu + C_PREEMPT_COUNT] += 1
    elif op == OP_PREEMPT_ON:
        m[cpu + C_PREEMPT_COUNT] -= 1
        check_resched(m, cpu)
    elif op == OP_SYSCALL:
        m[G_SYSCALLS] += 1
        enter_kernel(m, cpu, x, COST_SYSCALL)
    elif op == OP_FAULT:
        m[G_FAULTS] += 1
        enter_kernel(m, cpu, x, COST_PAGE_FAULT)


@compiled
def check_resched(m, cpu):
    """preempt_check_resched, where the kernel can be preempted."""
    if m[cpu + C_NEED_RESCHED] != RESCHED or m[cpu + C_PREEMPT_COUNT] or m[cpu + C_IRQS_OFF]:
        return
    if m[G_PREEMPT] >= PREEMPT_FULL:
        schedule(m, cpu, 1)


@compiled
def enter_kernel(m, cpu, program, which):
    """A system call or an exception: a context of its own above the task, running `program`."""
    charge(m, cpu)
    frame = push(m, cpu, program, TASK, IN_SYSCALL, 0)
    m[frame + F_LEFT] = cost(m, m[G_COSTS] + which * COST_SIZE)
