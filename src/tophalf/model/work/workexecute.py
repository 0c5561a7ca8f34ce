"""Instructions on work items, and what queues items at their times: timers, and tasks that wait for the next.

A timer queues from the local timer interrupt (an hrtimer) or from the HRTIMER softirq. Several items of one such source are
queued in turn.
"""

from tophalf.model.fields import BLOCKED, C_CURRENT, F_PC, F_R0, G_NOW, K_CPU, K_STATE, K_TIMER, Q_NEXT
from tophalf.model.ground.jit import compiled
from tophalf.model.net.nicring import go_to_next
from tophalf.model.ops import STRIDE
from tophalf.model.sched.sched import schedule
from tophalf.model.sched.tick import start_timer
from tophalf.model.work.bhwork import execute_bh_worker
from tophalf.model.work.rescuers import execute_rescuer
from tophalf.model.work.workers import execute_worker
from tophalf.model.work.workfields import (
    E_COUNT,
    E_CPU,
    E_DELAY,
    E_HOME,
    E_SOURCE,
    E_TIMER,
    E_TURN,
    E_WORKS,
    E_WQ,
)
from tophalf.model.work.workflush import execute_flush, mod_delayed_work
from tophalf.model.work.workfreeze import execute_suspend
from tophalf.model.work.workops import (
    DELAY_UNIT,
    OP_BH_WORKER,
    OP_IRQ_WORK,
    OP_MOD_DELAYED_WORK,
    OP_QUEUE_DELAYED_WORK,
    OP_QUEUE_WORK,
    OP_RESCUER,
    OP_SUSPEND,
    OP_WAIT_ARRIVAL,
    OP_WORKER_BEGIN,
)
from tophalf.model.work.workqueue import cpu_of, irq_work_run, queue_delayed_work, queue_work


@compiled
def execute_work(m, cpu, frame, op, x, y, z):
    """Any instruction of `workops`."""
    if op == OP_QUEUE_WORK:
        m[frame + F_R0] = queue_work(m, cpu, cpu_of(m, z), y, x)
    elif op == OP_QUEUE_DELAYED_WORK:
        m[frame + F_R0] = queue_delayed_work(m, cpu, y, x, z)
    elif op == OP_MOD_DELAYED_WORK:
        m[frame + F_R0] = mod_delayed_work(m, cpu, y, x, z)
    elif op == OP_SUSPEND:
        execute_suspend(m, cpu, frame, x)
    elif op == OP_WAIT_ARRIVAL:
        wait_for_arrival(m, cpu, frame, x)
    elif op == OP_IRQ_WORK:
        irq_work_run(m, cpu)
    elif op == OP_BH_WORKER:
        execute_bh_worker(m, cpu, frame, x, y, z)
    elif op == OP_RESCUER:
        execute_rescuer(m, cpu, frame, x, y, z)
    elif op < OP_WORKER_BEGIN:
        execute_flush(m, cpu, frame, op, x, y)
    else:
        execute_worker(m, cpu, frame, op, x, y)


@compiled
def queue_next(m, cpu, source):
    """Queue the item whose turn it is, and go to the next time."""
    work = m[m[source + E_WORKS] + m[source + E_TURN]]
    m[source + E_TURN] = (m[source + E_TURN] + 1) % m[source + E_COUNT]
    go_to_next(m, m[source + E_SOURCE])
    if m[source + E_DELAY]:
        queue_delayed_work(m, cpu, m[source + E_WQ], work, m[source + E_DELAY] * DELAY_UNIT + m[source + E_CPU])
    else:
        queue_work(m, cpu, cpu_of(m, m[source + E_CPU]), m[source + E_WQ], work)


@compiled
def source_fires(m, cpu, source):
    """A timer that queues has expired."""
    queue_next(m, cpu, source)
    start_source(m, source)


@compiled
def start_source(m, source):
    """Before the run, and after each time."""
    start_timer(m, source + E_TIMER, m[source + E_HOME], m[m[source + E_SOURCE] + Q_NEXT])


@compiled
def wait_for_arrival(m, cpu, frame, source):
    """A task that queues sleeps until the next time; when that is there, it queues."""
    next_ns = m[m[source + E_SOURCE] + Q_NEXT]
    if next_ns <= m[G_NOW]:
        queue_next(m, cpu, source)
        return
    task = m[cpu + C_CURRENT]
    m[frame + F_PC] -= STRIDE
    start_timer(m, task + K_TIMER, m[task + K_CPU], next_ns)
    m[task + K_STATE] = BLOCKED
    schedule(m, cpu, 0)
