"""NAPI: a queue's interrupt stays off while softirqs poll it. net/core/dev.c.

The frame of net_rx_action holds: R1 budget left (0: the window is exhausted), R2 the jiffy at which it ends, R3 the list that it
took, less R5, the instance that is polled; R4 those to poll again. An instance with a thread (N_THREAD) is polled by that
instead (`napithread`); a task that busy polls owns an instance for a while (`busypoll`). Left out: netpoll.
"""

from tophalf import vocab
from tophalf.model.fields import (
    C_IN_NET_RX,
    C_POLL_HEAD,
    C_POLL_TAIL,
    C_PROCESSED,
    C_SQUEEZED,
    F_ARG,
    F_PC,
    F_R0,
    F_R1,
    F_R2,
    F_R3,
    F_R4,
    F_R5,
    FLOATING,
    G_KERNEL,
    G_NETDEV_BUDGET,
    G_NETDEV_BUDGET_JIFFIES,
    G_NOW,
    G_POLLS,
    K_CPU,
    K_FLAGS,
    N_DEFER,
    N_DEFER_COUNT,
    N_FLUSH_NS,
    N_ID,
    N_NAME,
    N_NEXT,
    N_PACKETS,
    N_POLL,
    N_POLLS,
    N_QUEUE,
    N_STACK,
    N_STATE,
    N_THREAD,
    N_TIMER,
    N_WEIGHT,
    NAPI_DISABLE,
    NAPI_IN_BUSY_POLL,
    NAPI_LET_GO,
    NAPI_MISSED,
    NAPI_PREFER_BUSY_POLL,
    NAPI_SCHED,
    NAPI_SCHED_THREADED,
)
from tophalf.model.ground.jit import compiled, inlined
from tophalf.model.ground.lists import append
from tophalf.model.ground.trace import emit
from tophalf.model.net.nic import watch
from tophalf.model.net.rpsipi import has_rps_ipi_waiting, send_rps_ipis
from tophalf.model.net.stackfields import Y_FLUSH, Y_HELD, Y_RX_COUNT, Y_TIMED
from tophalf.model.ops import (
    OP_NAPI_COMPLETE,
    OP_NAPI_SCHEDULE,
    OP_NET_RX_BEGIN,
    OP_NET_RX_BUDGET,
    OP_NET_RX_DONE,
    OP_NET_RX_END,
    OP_NET_RX_NEXT,
    STRIDE,
)
from tophalf.model.sched.contexts import call, follow
from tophalf.model.sched.fair import KERNEL_6_1
from tophalf.model.sched.floating import choose_cpu
from tophalf.model.sched.tick import jiffies, start_timer
from tophalf.model.sched.wakeup import wake_on
from tophalf.model.softirq.softirq import mark_softirq, raise_softirq

COMPLETED = ~(NAPI_SCHED | NAPI_MISSED | NAPI_SCHED_THREADED | NAPI_PREFER_BUSY_POLL)


@inlined
def napi_schedule(m, cpu, napi):
    """napi_schedule: the instance joins this CPU's list, or is marked as missed while it is there already."""
    if m[napi + N_STATE] & NAPI_SCHED:
        m[napi + N_STATE] |= NAPI_MISSED
        return
    m[napi + N_STATE] |= NAPI_SCHED
    join_poll_list(m, cpu, napi)


@compiled
def join_poll_list(m, cpu, napi):
    """____napi_schedule: its thread is woken, or it is polled by NET_RX here; a task's raise wakes ksoftirqd.

    Since 6.2 NET_RX is not raised within net_rx_action, which looks again itself.
    """
    if m[napi + N_THREAD]:
        m[napi + N_STATE] |= NAPI_SCHED_THREADED
        thread = m[napi + N_THREAD]
        wake_on(m, cpu, thread, choose_cpu(m, cpu, thread) if m[thread + K_FLAGS] & FLOATING else m[thread + K_CPU])
        return
    append(m, cpu + C_POLL_HEAD, cpu + C_POLL_TAIL, napi, N_NEXT)
    if not m[cpu + C_IN_NET_RX] or m[G_KERNEL] <= KERNEL_6_1:
        raise_softirq(m, cpu, vocab.NET_RX)


@inlined
def execute_napi(m, cpu, frame, op, x):
    """Instructions of net_rx_action and of drivers' polls; x: an instance, or where to go on."""
    if op == OP_NET_RX_BUDGET:
        m[frame + F_R1] = m[G_NETDEV_BUDGET]
        m[frame + F_R2] = jiffies(m) + m[G_NETDEV_BUDGET_JIFFIES]
        op, x = follow(m, frame)
    if op == OP_NET_RX_BEGIN:
        m[cpu + C_IN_NET_RX] = 1
        m[frame + F_R4] = 0
        m[frame + F_R3] = m[cpu + C_POLL_HEAD]  # the list is spliced: what joins later waits for the next round
        m[cpu + C_POLL_HEAD] = 0
        op, x = follow(m, frame)
    elif op == OP_NET_RX_DONE:
        if polled(m, cpu, frame, x):
            return
        op, x = follow(m, frame)
    if op == OP_NET_RX_NEXT:
        if poll_next(m, cpu, frame):
            return
        m[frame + F_PC] = x
        op, x = follow(m, frame)
    if op == OP_NET_RX_END:
        net_rx_ends(m, cpu, frame, x)
    elif op == OP_NAPI_SCHEDULE:
        napi_schedule(m, cpu, x)
    elif op == OP_NAPI_COMPLETE:
        complete(m, cpu, m[frame + F_ARG], m[frame + F_R1], x)


@inlined
def complete(m, cpu, napi, work, never_masked):
    """The end of a driver's poll: with less than the weight it is done, and its queue may interrupt again if it was masked."""
    if work < m[napi + N_WEIGHT] and napi_complete_done(m, cpu, napi, work) and not never_masked:
        watch(m, m[napi + N_QUEUE])


@inlined
def poll_next(m, cpu, frame):
    """Poll the first of the list. Returns whether there is one."""
    napi = m[frame + F_R3]
    if napi == 0:
        return False
    m[frame + F_R5] = napi
    m[frame + F_R3] = m[napi + N_NEXT]  # read now: while it is polled it may join the CPU's list again
    call(m, cpu, m[napi + N_POLL], napi)
    return True


@inlined
def polled(m, cpu, frame, x):
    """napi_poll, __napi_poll: count it; a poll of the whole weight goes to the end of those to poll again. Then the next, at x,
    or the end. Returns whether GRO comes first."""
    napi, work = m[frame + F_R5], m[frame + F_R0]
    if work >= 0:
        count_poll(m, cpu, napi, work, m[napi + N_WEIGHT])
        if m[napi + N_STACK] and flush_full_poll(m, cpu, frame, napi, work):
            return True
    work = abs(work)
    if work >= m[napi + N_WEIGHT] and polls_again(m, cpu, napi, work):
        m[napi + N_NEXT] = 0
        join(m, frame + F_R4, napi)
    m[frame + F_R1] -= work
    if m[frame + F_R1] <= 0 or jiffies(m) >= m[frame + F_R2]:
        m[frame + F_R1] = 0
        m[cpu + C_SQUEEZED] += 1
    else:
        m[frame + F_PC] = x
    return False


@compiled
def flush_full_poll(m, cpu, frame, napi, work):
    """After a full poll GRO lets go of what it holds: OP_NET_RX_DONE again then, with -work. Returns whether there is any."""
    gro = m[napi + N_STACK]
    if work < m[napi + N_WEIGHT] or m[gro + Y_HELD] + m[gro + Y_RX_COUNT] == 0:
        return False
    m[frame + F_PC] -= STRIDE
    m[call(m, cpu, m[gro + Y_FLUSH], napi) + F_R5] = -work
    return True


@inlined
def count_poll(m, cpu, napi, work, budget):
    m[G_POLLS] += 1
    m[napi + N_POLLS] += 1
    m[napi + N_PACKETS] += work
    m[cpu + C_PROCESSED] += work
    emit(m, cpu, vocab.NAPI_POLL, m[napi + N_ID], work, budget, m[napi + N_NAME])


@compiled
def polls_again(m, cpu, napi, work):
    """__napi_poll, of one that took its whole weight: whether it is polled again here; not if a task would rather poll it, nor when
    it is being disabled, or its driver was done with it."""
    state = m[napi + N_STATE]
    if not state & (NAPI_PREFER_BUSY_POLL | NAPI_DISABLE | NAPI_LET_GO):
        return True
    m[napi + N_STATE] &= ~NAPI_LET_GO
    if state & NAPI_LET_GO:
        return False
    if state & NAPI_DISABLE:
        napi_complete_done(m, cpu, napi, 0)
    elif napi_complete_done(m, cpu, napi, work):
        napi_schedule(m, cpu, napi)  # no timer stands: it must not be forgotten
    return False


@inlined
def net_rx_ends(m, cpu, frame, x):
    """The end of a round. Since 6.2 what joined meanwhile is polled at once when nothing else is left (x: begin anew).

    In 6.1 it has raised NET_RX itself. CPUs whose backlog was given packets are told last.
    """
    ipi_waits = has_rps_ipi_waiting(m, cpu)
    if m[frame + F_R1] > 0 and m[frame + F_R3] == 0 and m[frame + F_R4] == 0:
        m[cpu + C_IN_NET_RX] = 0
        begins_anew = m[cpu + C_POLL_HEAD] and m[G_KERNEL] > KERNEL_6_1
        if begins_anew:
            m[frame + F_PC] = x
        if begins_anew or not ipi_waits:
            return
    gather(m, cpu, frame)
    if m[cpu + C_POLL_HEAD]:
        mark_softirq(m, cpu, vocab.NET_RX)
    else:
        m[cpu + C_IN_NET_RX] = 0
    if ipi_waits:
        send_rps_ipis(m, cpu)


@compiled
def join(m, link, rest):
    """Put a list, or one instance, at the end of another."""
    while m[link]:
        link = m[link] + N_NEXT
    m[link] = rest


@compiled
def gather(m, cpu, frame):
    """The list for the next time: what is left of this one, what joined meanwhile, what is to be polled again."""
    join(m, frame + F_R3, m[cpu + C_POLL_HEAD])
    join(m, frame + F_R3, m[frame + F_R4])
    m[cpu + C_POLL_HEAD] = m[frame + F_R3]
    last = m[cpu + C_POLL_HEAD]
    while last and m[last + N_NEXT]:
        last = m[last + N_NEXT]
    m[cpu + C_POLL_TAIL] = last


@compiled
def napi_complete_done(m, cpu, napi, work):
    """Whether the driver may let its queue interrupt again. A task that busy polls sees to all of it later."""
    if m[napi + N_STATE] & NAPI_IN_BUSY_POLL:
        return False
    if work > 0:
        m[napi + N_DEFER_COUNT] = m[napi + N_DEFER]
    timeout_ns = deferral_ns = 0
    if m[napi + N_STACK] and m[m[napi + N_STACK] + Y_TIMED]:
        timeout_ns = m[napi + N_FLUSH_NS]
    if m[napi + N_DEFER_COUNT] > 0:
        m[napi + N_DEFER_COUNT] -= 1
        timeout_ns = deferral_ns = m[napi + N_FLUSH_NS]
    if m[napi + N_STATE] & NAPI_MISSED:
        m[napi + N_STATE] = m[napi + N_STATE] & COMPLETED | NAPI_SCHED
        join_poll_list(m, cpu, napi)
        return False
    m[napi + N_STATE] &= COMPLETED
    if timeout_ns:
        start_timer(m, napi + N_TIMER, cpu, m[G_NOW] + timeout_ns)
    return deferral_ns == 0


@compiled
def napi_watchdog(m, cpu, napi):
    """The deferral timer: polls without counting as missed."""
    if not m[napi + N_STATE] & NAPI_SCHED:
        m[napi + N_STATE] = m[napi + N_STATE] & ~NAPI_PREFER_BUSY_POLL | NAPI_SCHED
        join_poll_list(m, cpu, napi)
