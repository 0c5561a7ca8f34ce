"""Tasklets: once scheduled they run once, on the CPU that scheduled them, and never on two at the same time.

kernel/softirq.c __tasklet_schedule_common, tasklet_action_common. The frame of a run holds: R1 the list that it took, R2 the
tasklet that runs, R3 the vector. OP_TASKLET_DISABLE is tasklet_disable_nosync.
"""

from tophalf import vocab
from tophalf.model.fields import (
    BLOCKED,
    C_CURRENT,
    C_HI_HEAD,
    C_HI_TAIL,
    C_TASKLET_HEAD,
    C_TASKLET_TAIL,
    F_PC,
    F_R1,
    F_R2,
    F_R3,
    K_STATE,
    K_WAIT_NEXT,
    TASKLET_RUNNING,
    TASKLET_SCHEDULED,
    TL_ADDRESS,
    TL_ARG,
    TL_COUNT,
    TL_FUNCTION,
    TL_NEXT,
    TL_PROGRAM,
    TL_RUNS,
    TL_STATE,
    TL_WAITER,
)
from tophalf.model.ground.jit import compiled
from tophalf.model.ground.lists import append
from tophalf.model.ground.trace import emit
from tophalf.model.ops import (
    OP_TASKLET_DISABLE,
    OP_TASKLET_DONE,
    OP_TASKLET_ENABLE,
    OP_TASKLET_KILL,
    OP_TASKLET_KILLED,
    OP_TASKLET_NEXT,
    OP_TASKLET_SCHEDULE,
    OP_TASKLETS_BEGIN,
    STRIDE,
)
from tophalf.model.sched.contexts import call
from tophalf.model.sched.sched import might_sleep, schedule
from tophalf.model.sched.wakeup import wake
from tophalf.model.softirq.softirq import mark_softirq, raise_softirq


@compiled
def execute_tasklet(m, cpu, frame, op, x, y):
    """Instructions of the TASKLET and HI softirqs (x: where to go on, or the vector) and of users (x: a tasklet, y: the vector)."""
    if op == OP_TASKLETS_BEGIN:
        m[frame + F_R3] = x
        head = head_of(cpu, x)
        m[frame + F_R1] = m[head]
        m[head] = 0
    elif op == OP_TASKLET_NEXT:
        next_tasklet(m, cpu, frame, x)
    elif op == OP_TASKLET_DONE:
        tasklet = m[frame + F_R2]
        emit(m, cpu, vocab.TASKLET_EXIT, m[tasklet + TL_ADDRESS], m[tasklet + TL_FUNCTION], 0, -1)
        m[tasklet + TL_STATE] &= ~TASKLET_RUNNING
        wake_waiter(m, cpu, tasklet)
        m[frame + F_PC] = x
    elif op == OP_TASKLET_SCHEDULE:
        tasklet_schedule(m, cpu, x, y)
    elif op == OP_TASKLET_DISABLE:
        m[x + TL_COUNT] += 1
    elif op == OP_TASKLET_ENABLE:
        m[x + TL_COUNT] -= 1
    elif op == OP_TASKLET_KILL:
        if waits_for(m, cpu, frame, x, TASKLET_SCHEDULED):
            m[x + TL_STATE] |= TASKLET_SCHEDULED
    elif op == OP_TASKLET_KILLED and waits_for(m, cpu, frame, x, TASKLET_RUNNING):
        m[x + TL_STATE] &= ~TASKLET_SCHEDULED


@compiled
def waits_for(m, cpu, frame, tasklet, state):
    """tasklet_kill, in two instructions: wait until it is not scheduled and take that for oneself; wait until it does not run.

    Returns whether it is so; else the task sleeps, and does the instruction again.
    """
    if might_sleep(m, cpu, frame):
        return False
    if m[tasklet + TL_STATE] & state == 0:
        return True
    task = m[cpu + C_CURRENT]
    m[task + K_WAIT_NEXT] = m[tasklet + TL_WAITER]
    m[tasklet + TL_WAITER] = task
    m[frame + F_PC] -= STRIDE
    m[task + K_STATE] = BLOCKED
    schedule(m, cpu, 0)
    return False


@compiled
def wake_waiter(m, cpu, tasklet):
    """wake_up_var, where a state of the tasklet ends: all that wait, the last one first."""
    task = m[tasklet + TL_WAITER]
    m[tasklet + TL_WAITER] = 0
    while task:
        following = m[task + K_WAIT_NEXT]
        m[task + K_WAIT_NEXT] = 0
        wake(m, cpu, task)
        task = following


@compiled
def head_of(cpu, vector):
    return cpu + (C_HI_HEAD if vector == vocab.HI else C_TASKLET_HEAD)


@compiled
def tasklet_schedule(m, cpu, tasklet, vector):
    """tasklet_schedule, tasklet_hi_schedule: nothing when it is scheduled already."""
    if m[tasklet + TL_STATE] & TASKLET_SCHEDULED:
        return
    m[tasklet + TL_STATE] |= TASKLET_SCHEDULED
    join_list(m, cpu, tasklet, vector)
    raise_softirq(m, cpu, vector)


@compiled
def join_list(m, cpu, tasklet, vector):
    """To the end of this CPU's list."""
    append(m, head_of(cpu, vector), cpu + (C_HI_TAIL if vector == vocab.HI else C_TASKLET_TAIL), tasklet, TL_NEXT)


@compiled
def next_tasklet(m, cpu, frame, x):
    """Run the next one that may run; one that runs elsewhere or is disabled has to wait for another pass. x: none is left."""
    while m[frame + F_R1]:
        tasklet = m[frame + F_R1]
        m[frame + F_R1] = m[tasklet + TL_NEXT]
        if not m[tasklet + TL_STATE] & TASKLET_RUNNING and m[tasklet + TL_COUNT] == 0:
            m[tasklet + TL_STATE] = TASKLET_RUNNING
            wake_waiter(m, cpu, tasklet)
            m[tasklet + TL_RUNS] += 1
            m[frame + F_R2] = tasklet
            emit(m, cpu, vocab.TASKLET_ENTRY, m[tasklet + TL_ADDRESS], m[tasklet + TL_FUNCTION], 0, -1)
            call(m, cpu, m[tasklet + TL_PROGRAM], m[tasklet + TL_ARG])
            return
        join_list(m, cpu, tasklet, m[frame + F_R3])
        mark_softirq(m, cpu, m[frame + F_R3])
    m[frame + F_PC] = x
