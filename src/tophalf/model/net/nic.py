"""When a NIC signals: its receive queues, their coalescing, and what its drivers do with the ring.

rx-usecs counts from the first packet that waits, rx-frames is a number of packets, whichever is first; the minimum interval
(ITR) holds both back. A queue whose interrupt is masked signals nothing; unmasked with packets waiting, it does at once.
"""

from tophalf.model.fields import (
    C_PARKED,
    C_PLAN,
    C_TIMER,
    CPU_SIZE,
    D_CPU,
    D_SOURCE,
    D_VECTOR,
    F_ARG,
    F_LEFT,
    F_PC,
    G_CPU_COUNT,
    G_CPUS,
    G_NOW,
    MODE_COUNTED,
    MODE_EACH,
    MODE_POLL,
    N_QUEUE,
    N_STATE,
    NAPI_SCHED,
    NEVER,
    Q_ARMED,
    Q_DESC,
    Q_FRAMES,
    Q_HEAD,
    Q_ITR_NS,
    Q_LAST_IRQ,
    Q_MODE,
    Q_NAPI,
    Q_POLL_EVERY,
    Q_SIGNALS,
    Q_STAGED,
    Q_TAIL,
    Q_TIMER,
    Q_USECS_NS,
)
from tophalf.model.ground.jit import compiled, inlined
from tophalf.model.ground.queue import arm, arm_or_cancel
from tophalf.model.irq.apic import is_latched
from tophalf.model.irq.irqlines import raise_line
from tophalf.model.net.nicplan import serve
from tophalf.model.net.nicring import arrival_of, arrive, upcoming
from tophalf.model.ops import OP_QUEUE_DONE, OP_RX, OP_RX_DRAIN, OP_RX_STAGE, OP_RX_STAGED, STRIDE
from tophalf.model.sched.contexts import suspend

UNLIMITED = 1 << 40


@compiled
def watch(m, queue):
    """Unmask a queue's interrupt: it signals when its time has come."""
    m[queue + Q_ARMED] = 1
    arrive(m, queue, m[G_NOW])
    if m[queue + Q_MODE] == MODE_POLL:
        arm(m, queue + Q_TIMER, m[G_NOW] + m[queue + Q_POLL_EVERY])
    else:
        arm_signal(m, queue)


@compiled
def arm_signal(m, queue):
    arm_or_cancel(m, queue + Q_TIMER, signal_time(m, queue), m[G_NOW])


@inlined
def first_waiting(m, queue):
    """The first packet that no handler has taken yet."""
    return max(m[queue + Q_HEAD], m[queue + Q_STAGED])


@compiled
def signal_time(m, queue):
    """When to look again whether to signal: exactly then, or at a packet that may bring it about."""
    waiting = m[queue + Q_TAIL] - first_waiting(m, queue)
    frames = max(m[queue + Q_FRAMES], 1)
    if waiting == 0:
        time_ns = upcoming(m, queue)
        if m[queue + Q_USECS_NS] and frames == 1 and time_ns < NEVER:
            time_ns += m[queue + Q_USECS_NS]
    elif waiting >= frames and (frames > 1 or m[queue + Q_USECS_NS] == 0):
        time_ns = m[G_NOW]
    else:
        time_ns = NEVER
        if m[queue + Q_USECS_NS]:
            time_ns = arrival_of(m, queue, first_waiting(m, queue)) + m[queue + Q_USECS_NS]
        if frames > 1:
            time_ns = min(time_ns, upcoming(m, queue))
    if time_ns < NEVER and m[queue + Q_ITR_NS]:
        time_ns = max(time_ns, m[queue + Q_LAST_IRQ] + m[queue + Q_ITR_NS])
    return time_ns


@compiled
def queue_looks(m, queue):
    """The queue's timer: signal if it is time, else look again later."""
    mode = m[queue + Q_MODE]
    if mode == MODE_EACH or mode == MODE_COUNTED:
        signal_each(m, queue)
        return
    settle(m, queue)
    arrive(m, queue, m[G_NOW])
    if mode != MODE_POLL and not is_due(m, queue):
        arm_signal(m, queue)
        return
    m[queue + Q_ARMED] = 0
    m[queue + Q_LAST_IRQ] = m[G_NOW]
    raise_line(m, m[queue + Q_DESC])


@compiled
def settle(m, queue):
    """A queue that looks while it is polled (it was scheduled by another than its interrupt): see what is served by now.

    Its ring stands as the poll was planned; the CPU that polls it plans anew.
    """
    if m[queue + Q_NAPI] == 0 or not m[m[queue + Q_NAPI] + N_STATE] & NAPI_SCHED:
        return
    cpu = m[G_CPUS]
    for _ in range(m[G_CPU_COUNT]):
        if m[cpu + C_PLAN] == queue and m[cpu + C_PARKED]:
            suspend(m, cpu)
            arm(m, cpu + C_TIMER, m[G_NOW])
        cpu += CPU_SIZE


@compiled
def is_due(m, queue):
    waiting = m[queue + Q_TAIL] - first_waiting(m, queue)
    if waiting == 0 or (m[queue + Q_ITR_NS] and m[G_NOW] < m[queue + Q_LAST_IRQ] + m[queue + Q_ITR_NS]):
        return False
    frames = max(m[queue + Q_FRAMES], 1)
    if waiting >= frames and (frames > 1 or m[queue + Q_USECS_NS] == 0):
        return True
    first_ns = arrival_of(m, queue, first_waiting(m, queue))
    return m[queue + Q_USECS_NS] > 0 and m[G_NOW] >= first_ns + m[queue + Q_USECS_NS]


@compiled
def signal_each(m, queue):
    """A packet arrives at a queue that signals every one: one message, merged with one that waits already."""
    desc = m[queue + Q_DESC]
    arrive(m, queue, m[G_NOW])
    if is_latched(m, m[desc + D_CPU], m[desc + D_VECTOR]):
        return
    m[queue + Q_SIGNALS] += 1
    raise_line(m, desc)


@compiled
def line_was_taken(m, desc):
    """The CPU took the interrupt: the next packet's message can wait at the APIC now."""
    queue = m[desc + D_SOURCE]
    mode = m[queue + Q_MODE]
    if mode == MODE_EACH:
        arrive(m, queue, m[G_NOW])
        arm(m, queue + Q_TIMER, upcoming(m, queue))
    elif mode == MODE_COUNTED:
        arrive(m, queue, m[G_NOW])
        behind = m[queue + Q_TAIL] > m[queue + Q_SIGNALS]
        arm(m, queue + Q_TIMER, m[G_NOW] if behind else upcoming(m, queue))


@inlined
def execute_nic(m, cpu, frame, op, x, y):
    """Instructions of drivers; x: the queue, 0 for that of the NAPI instance in F_ARG; y: packets at most."""
    queue = x if x else m[m[frame + F_ARG] + N_QUEUE]
    if op == OP_RX or op == OP_RX_DRAIN:
        left = serve(m, cpu, frame, queue, y if y else UNLIMITED, -1)
    elif op == OP_RX_STAGED:
        left = serve(m, cpu, frame, queue, y, m[queue + Q_STAGED])
    else:
        left = 0
        if op == OP_RX_STAGE:
            stage(m, queue, y)
        elif op == OP_QUEUE_DONE:
            watch(m, queue)
    if left:
        m[frame + F_LEFT] = left
        m[frame + F_PC] -= STRIDE  # look again when that is done


@compiled
def stage(m, queue, all_that_came):
    """A handler hands packets to the protocols: one, or all that have come."""
    arrive(m, queue, m[G_NOW])
    if all_that_came:
        m[queue + Q_STAGED] = m[queue + Q_TAIL]
    elif m[queue + Q_STAGED] < m[queue + Q_TAIL]:
        m[queue + Q_STAGED] += 1
