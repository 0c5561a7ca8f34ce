"""Busy polling: a task that waits for data polls the queue itself, and keeps interrupts and softirqs away meanwhile.

net/core/dev.c __napi_busy_loop, busy_poll_stop; net/core/sock.c sk_busy_loop_end. The task owns the instance (SCHED and
IN_BUSY_POLL), so that napi_schedule only marks it as missed; when it lets go, one more poll unmasks the queue. With
SO_PREFER_BUSY_POLL and napi_defer_hard_irqs the queue stays masked then, and a timer watches over it. The loop's frame holds: ARG
the reader (driverfields), R1 whether it owns the instance, R2 when it began in units of 1024 ns, R3 whether a timer stands for the
queue, R4 what the last poll took, R5 whether GRO was flushed. Left out: epoll's and AF_XDP's busy loops, reads that do not wait
(they poll once), signals, irq_suspend_timeout (6.13).
"""

from tophalf.model.fields import (
    C_NEED_RESCHED,
    C_PREEMPT_COUNT,
    F_ARG,
    F_LEFT,
    F_PC,
    F_R0,
    F_R1,
    F_R2,
    F_R3,
    F_R4,
    F_R5,
    G_NOW,
    G_PREEMPT,
    G_STACK,
    N_BUSY_POLL,
    N_DEFER,
    N_DEFER_COUNT,
    N_FLUSH_NS,
    N_QUEUE,
    N_STACK,
    N_STATE,
    N_TIMER,
    NAPI_IN_BUSY_POLL,
    NAPI_MISSED,
    NAPI_PREFER_BUSY_POLL,
    NAPI_SCHED,
)
from tophalf.model.ground.costs import cost
from tophalf.model.ground.jit import compiled
from tophalf.model.net.driverfields import (
    B_BUDGET,
    B_DATA,
    B_LOOP_COST,
    B_LOST,
    B_MORE,
    B_NAPI,
    B_PACKETS,
    B_POLLS,
    B_PREFER,
    B_TAKEN,
    B_USECS,
)
from tophalf.model.net.driverops import (
    BUSY_ENDS,
    BUSY_ENTER,
    BUSY_FLUSH,
    BUSY_HAND_OVER,
    BUSY_LEAVE,
    BUSY_LET_GO,
    BUSY_NORMAL_LIST,
    BUSY_POLLED,
    BUSY_RELAX,
    BUSY_START,
    BUSY_STOP,
    BUSY_STOPPED,
    BUSY_TRY,
    BUSY_YIELDS,
)
from tophalf.model.net.gro import flush_at_end
from tophalf.model.net.napi import count_poll, join_poll_list
from tophalf.model.net.netstack import stack_rx
from tophalf.model.net.nicplan import serve
from tophalf.model.net.stackfields import ST_RECEIVE, Y_FLUSH, Y_RX_COUNT
from tophalf.model.ops import STRIDE
from tophalf.model.sched.contexts import call
from tophalf.model.sched.sched import PREEMPT_RT
from tophalf.model.sched.tasks import check_resched
from tophalf.model.sched.tick import start_timer

CLOCK_SHIFT = 10  # busy_loop_current_time: "microseconds" of 1024 ns


@compiled
def execute_busy_poll(m, cpu, frame, step, y):
    """A step of the loop; y: where to go on."""
    reader = m[frame + F_ARG]
    if step == BUSY_TRY:
        busy_poll(m, cpu, frame, reader, y)
    elif step == BUSY_POLLED:
        count_busy_poll(m, cpu, reader, m[frame + F_R0])
    elif step == BUSY_NORMAL_LIST:
        normal_list(m, cpu, frame, m[reader + B_NAPI])
    elif step == BUSY_ENDS:
        if has_data(m, reader) or m[G_NOW] >> CLOCK_SHIFT > m[frame + F_R2] + m[reader + B_USECS]:
            m[frame + F_PC] = y  # sk_busy_loop_end: data, or time is up
    elif step == BUSY_YIELDS:
        if m[cpu + C_NEED_RESCHED]:
            m[frame + F_PC] = y
    elif step == BUSY_RELAX:
        m[frame + F_LEFT] = cost(m, m[reader + B_LOOP_COST])
    else:
        enter_or_leave(m, cpu, frame, step, y, reader)


@compiled
def busy_poll(m, cpu, frame, reader, nothing):
    """Poll the instance, taking it first where nobody has it; else on at `nothing`."""
    napi = m[reader + B_NAPI]
    if m[frame + F_R1] == 0:
        if m[napi + N_STATE] & (NAPI_SCHED | NAPI_IN_BUSY_POLL):
            if m[reader + B_PREFER]:
                m[napi + N_STATE] |= NAPI_PREFER_BUSY_POLL  # whoever polls it leaves it to us at the end of its poll
            m[reader + B_LOST] += 1
            m[frame + F_PC] = nothing
            return
        m[napi + N_STATE] |= NAPI_SCHED | NAPI_IN_BUSY_POLL
        m[frame + F_R1] = 1
    poll(m, cpu, napi, m[reader + B_BUDGET])


@compiled
def poll(m, cpu, napi, budget):
    m[call(m, cpu, m[napi + N_BUSY_POLL], napi) + F_R5] = budget


@compiled
def normal_list(m, cpu, frame, napi):
    """gro_normal_list: what GRO is done with goes up; the instruction is done again then."""
    if m[napi + N_STACK] and m[m[napi + N_STACK] + Y_RX_COUNT]:
        m[frame + F_PC] -= STRIDE
        call(m, cpu, m[m[G_STACK] + ST_RECEIVE], napi)


@compiled
def count_busy_poll(m, cpu, reader, work):
    count_poll(m, cpu, m[reader + B_NAPI], work, m[reader + B_BUDGET])
    m[reader + B_POLLS] += 1
    m[reader + B_PACKETS] += work


@compiled
def enter_or_leave(m, cpu, frame, step, y, reader):
    """The loop cannot be preempted, but on PREEMPT_RT; busy_poll_stop, if the instance is owned."""
    if step == BUSY_START:
        m[frame + F_R2] = m[G_NOW] >> CLOCK_SHIFT
    elif step == BUSY_ENTER:
        m[frame + F_R1] = 0
        if m[G_PREEMPT] != PREEMPT_RT:
            m[cpu + C_PREEMPT_COUNT] += 1
    elif step == BUSY_LET_GO:
        if m[frame + F_R1]:
            m[m[reader + B_NAPI] + N_STATE] &= ~(NAPI_MISSED | NAPI_IN_BUSY_POLL)
        else:
            m[frame + F_PC] = y
    elif step == BUSY_STOP:
        last_poll(m, cpu, frame, reader)
    elif step == BUSY_STOPPED:
        m[frame + F_R4] = m[frame + F_R0]
        m[frame + F_R5] = 0
        count_busy_poll(m, cpu, reader, m[frame + F_R0])
    elif step == BUSY_FLUSH:
        if m[frame + F_R4] == m[reader + B_BUDGET]:
            flush_last(m, cpu, frame, m[reader + B_NAPI])
    elif step == BUSY_HAND_OVER:
        if m[frame + F_R4] == m[reader + B_BUDGET]:
            hand_over(m, cpu, frame, m[reader + B_NAPI])
    elif step == BUSY_LEAVE and m[G_PREEMPT] != PREEMPT_RT:
        m[cpu + C_PREEMPT_COUNT] -= 1
        check_resched(m, cpu)


@compiled
def last_poll(m, cpu, frame, reader):
    """The poll that unmasks the queue, unless the task prefers to come back: then a timer looks after it meanwhile."""
    napi = m[reader + B_NAPI]
    m[frame + F_R3] = 0
    if m[reader + B_PREFER]:
        m[napi + N_DEFER_COUNT] = m[napi + N_DEFER]
        if m[napi + N_DEFER] and m[napi + N_FLUSH_NS]:
            start_timer(m, napi + N_TIMER, cpu, m[G_NOW] + m[napi + N_FLUSH_NS])
            m[frame + F_R3] = 1
    poll(m, cpu, napi, m[reader + B_BUDGET])


@compiled
def flush_last(m, cpu, frame, napi):
    """__busy_poll_stop: all that GRO is done with; where only a timer will look, what it holds, too."""
    if m[frame + F_R3] == 0:
        normal_list(m, cpu, frame, napi)
    elif m[napi + N_STACK] and m[frame + F_R5] == 0:
        m[frame + F_R5] = 1
        m[frame + F_PC] -= STRIDE
        call(m, cpu, m[m[napi + N_STACK] + Y_FLUSH], napi)


@compiled
def hand_over(m, cpu, frame, napi):
    """__busy_poll_stop: the last poll took its whole budget: NET_RX or a thread goes on, or the timer will see to it."""
    if m[frame + F_R3]:
        m[napi + N_STATE] &= ~NAPI_SCHED
    else:
        join_poll_list(m, cpu, napi)


# The driver's poll that a reader calls


@compiled
def busy_rx(m, cpu, frame):
    """Packets, as OP_RX or OP_STACK_RX take them."""
    napi, budget = m[frame + F_ARG], m[frame + F_R5]
    if m[napi + N_STACK]:
        stack_rx(m, cpu, frame, budget)
        return
    left = serve(m, cpu, frame, m[napi + N_QUEUE], budget, -1)
    if left:
        m[frame + F_LEFT] = left
        m[frame + F_PC] -= STRIDE


@compiled
def busy_flush(m, cpu, frame):
    """What napi_complete_done does of GRO, which a reader that owns the instance does not let come to that."""
    napi = m[frame + F_ARG]
    if m[napi + N_STACK] and not m[napi + N_STATE] & NAPI_IN_BUSY_POLL:
        flush_at_end(m, cpu, frame, m[frame + F_R5])


# What a reader finds


@compiled
def has_data(m, reader):
    """Whether something is there that the reader has not taken."""
    return m[m[reader + B_DATA]] != m[reader + B_TAKEN] or m[m[reader + B_MORE]] != 0


@compiled
def reader_has(m, frame, reader, y):
    """A read that finds data need not poll for it."""
    if has_data(m, reader):
        m[frame + F_PC] = y


@compiled
def reader_takes(m, frame, reader):
    """All that is there (in R1)."""
    m[frame + F_R1] = m[m[reader + B_DATA]] - m[reader + B_TAKEN]
    m[reader + B_TAKEN] = m[m[reader + B_DATA]]
