"""What tasks of drivers sleep for: conditions on wait queues, completions, the end of a kthread.

kernel/sched/wait.c prepare_to_wait_event, __wake_up_common, autoremove_wake_function; kernel/sched/completion.c; kernel/kthread.c.
A task is on the queue, in the state in which it will sleep, before it looks at its condition: who wakes it from there on keeps it
from sleeping. That state is kept apart (B_STATE), so that what preempts the task in between finds it running. Left out: signals
(only kthread_stop ends an interruptible wait), exclusive waiters of wait queues, timeouts, the time that their locks are held.
"""

from tophalf import vocab
from tophalf.model.check.crash import NO_KTHREAD, crash
from tophalf.model.code.calling import execute_call
from tophalf.model.code.deferral import execute_deferral
from tophalf.model.code.rwlocks import read_lock, read_unlock, write_lock, write_unlock
from tophalf.model.code.waitfields import (
    ASLEEP,
    AT_REST,
    B_EXITED,
    B_NEXT,
    B_QUEUE,
    B_RESULT,
    B_STATE,
    B_STOP,
    B_TASK,
    CP_DONE,
    CP_HEAD,
    CP_TAIL,
    DONE_MAX,
    ERESTARTSYS,
    PREPARED,
)
from tophalf.model.code.waitops import (
    CODE_COMPLETE,
    CODE_FINISH_WAIT,
    CODE_KTHREAD_BEGIN,
    CODE_KTHREAD_EXIT,
    CODE_KTHREAD_STOP,
    CODE_KTHREAD_STOPPED,
    CODE_PREPARE_TO_WAIT,
    CODE_READ_LOCK,
    CODE_READ_UNLOCK,
    CODE_SHOULD_STOP,
    CODE_WAIT,
    CODE_WAIT_FOR_COMPLETION,
    CODE_WAKE_UP,
    CODE_WRITE_LOCK,
    CODE_WRITE_UNLOCK,
    CODE_YIELD,
    DEFERRAL_END,
    WAIT_END,
)
from tophalf.model.fields import (
    BLOCKED,
    C_CURRENT,
    C_NUMBER,
    DEAD,
    F_PC,
    F_R0,
    K_CPU,
    K_NAME,
    K_PID,
    K_STATE,
    K_WAIT_NEXT,
    K_WAITER,
    SLEEPING,
)
from tophalf.model.ground.jit import compiled
from tophalf.model.ground.lists import append, unlink
from tophalf.model.ground.trace import emit
from tophalf.model.ops import STRIDE
from tophalf.model.sched.contexts import NO_INSTRUCTION, fail
from tophalf.model.sched.sched import schedule
from tophalf.model.sched.wakeup import trace_priority, wake

EINTR = 4


@compiled
def execute_wait(m, cpu, frame, local, op, x, y, z):
    """Any instruction of `waitops`."""
    if op == CODE_WAKE_UP:
        wake_up(m, cpu, x)
    elif op == CODE_COMPLETE:
        complete(m, cpu, x)
    elif op == CODE_READ_LOCK:
        read_lock(m, cpu, frame, x)
    elif op == CODE_READ_UNLOCK:
        read_unlock(m, cpu, x)
    elif op == CODE_WRITE_LOCK:
        write_lock(m, cpu, frame, x)
    elif op == CODE_WRITE_UNLOCK:
        write_unlock(m, cpu, x)
    elif op >= DEFERRAL_END:
        execute_call(m, cpu, frame, op, x, y)
    elif op >= WAIT_END:
        execute_deferral(m, cpu, frame, op, x, y, m[local + z])
    else:
        wait_as_task(m, cpu, frame, local, op, x, y, m[m[cpu + C_CURRENT] + K_WAITER])


@compiled
def wait_as_task(m, cpu, frame, local, op, x, y, block):
    """What only tasks do. block: of the running one."""
    if op == CODE_PREPARE_TO_WAIT:
        m[frame + F_R0] = prepare_to_wait(m, block, x, y)
    elif op == CODE_WAIT:
        wait(m, cpu, block, x)
    elif op == CODE_FINISH_WAIT:
        leave_queue(m, block)
    elif op == CODE_WAIT_FOR_COMPLETION:
        wait_for_completion(m, cpu, frame, x)
    elif op == CODE_SHOULD_STOP:
        m[local + x] = m[block + B_STOP]
    elif op == CODE_YIELD:
        schedule(m, cpu, 0)
    else:
        execute_kthread(m, cpu, frame, op, x, block)


# Wait queues


@compiled
def prepare_to_wait(m, block, queue, state):
    """prepare_to_wait_event. Whoever waits somewhere else already has a condition that waits itself: it looks again there."""
    if m[block + B_STOP] and state == SLEEPING:  # TIF_NOTIFY_SIGNAL
        leave_queue(m, block)
        return -ERESTARTSYS
    if m[block + B_QUEUE] != queue:
        leave_queue(m, block)
        m[block + B_QUEUE] = queue
        m[block + B_NEXT] = m[queue]
        m[queue] = block
    m[block + B_STATE] = PREPARED
    return 0


@compiled
def leave_queue(m, block):
    """finish_wait."""
    if m[block + B_QUEUE]:
        unlink(m, m[block + B_QUEUE], block, B_NEXT)
    m[block + B_QUEUE] = 0
    m[block + B_STATE] = AT_REST


@compiled
def wait(m, cpu, block, state):
    """schedule() in the middle of a wait: it comes back at once when somebody has woken the task since it prepared."""
    if m[block + B_STATE] == PREPARED:
        m[block + B_STATE] = ASLEEP
        m[m[block + B_TASK] + K_STATE] = state
        schedule(m, cpu, 0)


@compiled
def wake_up(m, cpu, queue):
    """__wake_up_common: all that wait, the last one first; whoever is woken leaves the queue (autoremove_wake_function)."""
    link = queue
    while m[link]:
        block = m[link]
        if m[block + B_STATE] == AT_REST:
            link = block + B_NEXT
        else:
            m[link] = m[block + B_NEXT]
            m[block + B_QUEUE] = 0
            rouse(m, cpu, block)


@compiled
def rouse(m, cpu, block):
    """try_to_wake_up of a task that waits, or is about to: then it only runs on (ttwu_do_wakeup)."""
    task, state = m[block + B_TASK], m[block + B_STATE]
    m[block + B_STATE] = AT_REST
    if state == ASLEEP:
        wake(m, cpu, task)
    elif state == PREPARED:
        home = m[m[task + K_CPU] + C_NUMBER]
        emit(m, cpu, vocab.SCHED_WAKING, m[task + K_PID], home, trace_priority(m, task), m[task + K_NAME])
        emit(m, cpu, vocab.SCHED_WAKEUP, m[task + K_PID], home, trace_priority(m, task), m[task + K_NAME])


# Completions


@compiled
def complete(m, cpu, completion):
    """Once more, and the task that has waited longest is woken; another one may still be quicker."""
    if m[completion + CP_DONE] != DONE_MAX:
        m[completion + CP_DONE] += 1
    task = m[completion + CP_HEAD]
    if task:
        m[completion + CP_HEAD] = m[task + K_WAIT_NEXT]
        m[task + K_WAIT_NEXT] = 0
        wake(m, cpu, task)


@compiled
def wait_for_completion(m, cpu, frame, completion):
    """Returns whether it was completed; else the task sleeps behind the others, and does its instruction again."""
    if m[completion + CP_DONE]:
        if m[completion + CP_DONE] != DONE_MAX:
            m[completion + CP_DONE] -= 1
        return True
    task = m[cpu + C_CURRENT]
    append(m, completion + CP_HEAD, completion + CP_TAIL, task, K_WAIT_NEXT)
    m[task + K_STATE] = BLOCKED
    m[frame + F_PC] -= STRIDE
    schedule(m, cpu, 0)
    return False


# Kthreads


@compiled
def execute_kthread(m, cpu, frame, op, x, block):
    """block: of the running task."""
    if op == CODE_KTHREAD_STOP:
        if m[x] == 0:
            crash(m, cpu, NO_KTHREAD)
            return
        m[m[m[x] + K_WAITER] + B_STOP] = 1
        rouse(m, cpu, m[m[x] + K_WAITER])
    elif op == CODE_KTHREAD_STOPPED:
        stopped = m[m[x] + K_WAITER]
        if wait_for_completion(m, cpu, frame, stopped + B_EXITED):
            m[frame + F_R0] = m[stopped + B_RESULT]
    elif op == CODE_KTHREAD_BEGIN:
        if m[block + B_STOP]:
            m[frame + F_R0] = -EINTR
            m[frame + F_PC] = x
    elif op == CODE_KTHREAD_EXIT:
        m[block + B_RESULT] = m[frame + F_R0]
        complete(m, cpu, block + B_EXITED)
        m[m[block + B_TASK] + K_STATE] = DEAD
        schedule(m, cpu, 0)
    else:
        fail(m, cpu, NO_INSTRUCTION)
