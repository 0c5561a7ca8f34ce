"""All CPUs stop, while one of them does something that none may see half done: a CPU is taken down so.

kernel/stop_machine.c multi_cpu_stop, cpu_stopper_thread; kernel/sched/core.c __balance_push_cpu_stop. Each CPU's stopper
(migration/N, of a class above all) spins through states that all must reach before the next: there, interrupts off, run, over. A
stopper's frame holds: R1 the state that it has seen, R2 whether it spins. A CPU that spins is parked, and told of the next state.
Left out: stopping one or two CPUs for others.
"""

from tophalf.model.cpu.fallback import select_fallback_rq
from tophalf.model.fields import (
    C_CURRENT,
    C_FRAME,
    C_IRQS_OFF,
    C_MANAGE,
    C_ONLINE,
    C_TIMER,
    CPU_SIZE,
    F_LEFT,
    F_PC,
    F_R1,
    F_R2,
    FIFO,
    G_CPU_COUNT,
    G_CPUS,
    G_MANAGE,
    G_NOW,
    K_CPU,
    K_ON_RQ,
    K_POLICY,
    K_STACK,
    K_STATE,
    SLEEPING,
    T_SLOT,
)
from tophalf.model.ground.jit import compiled
from tophalf.model.ground.queue import arm
from tophalf.model.irq.managefields import (
    HP_ACKS,
    HP_CPU,
    HP_DONE,
    HP_LEFT,
    HP_STATE,
    HP_THREADS,
    HP_WRITER,
    M_HOTPLUG,
    P_PUSH,
    P_PUSH_TO,
    P_STOP,
    P_STOPPER,
)
from tophalf.model.ops import STRIDE
from tophalf.model.sched.contexts import charge
from tophalf.model.sched.fair import arrives_from_queue, leaves_class, settle_minimum, update_curr
from tophalf.model.sched.sched import schedule
from tophalf.model.sched.wakeup import dequeue, enqueue, preempts, resched, running_fair, wake

MULTI_STOP_NONE, MULTI_STOP_PREPARE, MULTI_STOP_DISABLE_IRQ, MULTI_STOP_RUN, MULTI_STOP_EXIT = range(5)
SPIN_NS = 1 << 60  # longer than any run: who acknowledges last ends it


@compiled
def stop_machine(m, cpu):
    """Queue the work on every CPU that is online; the writer waits until all are through."""
    hotplug, other = m[m[G_MANAGE] + M_HOTPLUG], m[G_CPUS]
    threads = 0
    for _ in range(m[G_CPU_COUNT]):
        threads += m[other + C_ONLINE] != 0
        other += CPU_SIZE
    m[hotplug + HP_STATE] = MULTI_STOP_PREPARE
    m[hotplug + HP_THREADS] = m[hotplug + HP_ACKS] = m[hotplug + HP_LEFT] = threads
    other = m[G_CPUS]
    for _ in range(m[G_CPU_COUNT]):
        if m[other + C_ONLINE]:
            m[m[other + C_MANAGE] + P_STOP] = 1
            wake(m, cpu, m[m[other + C_MANAGE] + P_STOPPER])
        other += CPU_SIZE


@compiled
def stopper_thread(m, cpu, frame, multi):
    """Take the next work, or sleep. multi: where its part in stop_machine begins."""
    block = m[cpu + C_MANAGE]
    if m[block + P_PUSH]:
        m[frame + F_PC] -= STRIDE
        push_away(m, cpu, m[block + P_PUSH], m[block + P_PUSH_TO])
        m[block + P_PUSH] = 0
        m[block + P_PUSH_TO] = 0
    elif m[block + P_STOP]:
        m[block + P_STOP] = 0
        m[frame + F_R1] = MULTI_STOP_NONE
        m[frame + F_PC] = multi
    else:
        m[frame + F_PC] -= STRIDE
        m[m[cpu + C_CURRENT] + K_STATE] = SLEEPING
        schedule(m, cpu, 0)


@compiled
def push_away(m, cpu, task, target):
    """A task that was chosen on a CPU that goes offline goes to another, one that may be elsewhere no more to `target`."""
    if m[task + K_CPU] == cpu and m[task + K_ON_RQ]:
        move_queued_task(m, cpu, cpu, task, target if target else select_fallback_rq(m, task))


@compiled
def move_queued_task(m, cpu, home, task, target):
    """From one CPU's queue to another's, by `cpu`."""
    is_fair = m[task + K_POLICY] != FIFO
    if is_fair:
        leaves_class(m, home, task)
    dequeue(m, home, task)
    if is_fair:
        settle_minimum(m, home)
    m[task + K_CPU] = target
    slice_is_over = False
    if is_fair:
        charge(m, target)
        running = running_fair(m, target)
        if running:
            slice_is_over = update_curr(m, target, running)
        arrives_from_queue(m, target, running, task)
    enqueue(m, target, task, 0)
    if slice_is_over or preempts(m, target, task):
        resched(m, cpu, target, 0)


@compiled
def multi_cpu_stop(m, cpu, frame, act, leave):
    """One look at the state. act: where the CPU that all is about does its work; leave: where the loop ends."""
    hotplug = m[m[G_MANAGE] + M_HOTPLUG]
    state = m[hotplug + HP_STATE]
    m[frame + F_PC] -= STRIDE
    if state == m[frame + F_R1]:
        m[frame + F_R2] = 1
        m[frame + F_LEFT] = SPIN_NS
        return
    m[frame + F_R1] = state
    if state == MULTI_STOP_DISABLE_IRQ:
        m[cpu + C_IRQS_OFF] = 1
    if state == MULTI_STOP_RUN and m[hotplug + HP_CPU] == cpu:
        m[frame + F_PC] = act
        return
    if state == MULTI_STOP_EXIT:
        m[frame + F_PC] = leave
    ack_state(m)


@compiled
def ack_state(m):
    """The last one to reach a state begins the next."""
    hotplug = m[m[G_MANAGE] + M_HOTPLUG]
    m[hotplug + HP_ACKS] -= 1
    if m[hotplug + HP_ACKS] == 0 and m[hotplug + HP_STATE] != MULTI_STOP_EXIT:
        m[hotplug + HP_ACKS] = m[hotplug + HP_THREADS]
        m[hotplug + HP_STATE] += 1
        end_spins(m)


@compiled
def end_spins(m):
    """CPUs that spin look again: now, or when they are back from an interrupt."""
    cpu = m[G_CPUS]
    for _ in range(m[G_CPU_COUNT]):
        frame = m[m[cpu + C_MANAGE] + P_STOPPER] + K_STACK
        if m[frame + F_R2]:
            m[frame + F_R2] = 0
            m[frame + F_LEFT] = 0
            if m[cpu + C_FRAME] == frame and m[cpu + C_TIMER + T_SLOT]:
                arm(m, cpu + C_TIMER, m[G_NOW])
        cpu += CPU_SIZE


@compiled
def stop_is_over(m, cpu):
    """cpu_stop_signal_done."""
    hotplug = m[m[G_MANAGE] + M_HOTPLUG]
    m[cpu + C_IRQS_OFF] = 0
    m[hotplug + HP_LEFT] -= 1
    if m[hotplug + HP_LEFT] == 0:
        complete(m, cpu)


@compiled
def complete(m, cpu):
    """What the writer waits for is done."""
    hotplug = m[m[G_MANAGE] + M_HOTPLUG]
    m[hotplug + HP_DONE] += 1
    wake(m, cpu, m[hotplug + HP_WRITER])
