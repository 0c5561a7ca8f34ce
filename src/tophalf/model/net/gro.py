"""GRO: packets of one flow that a poll finds become one, which crosses the protocols once. net/core/gro.c, include/net/gro.h.

dev_gro_receive, gro_normal_one, napi_gro_flush: eight chains by the flow's hash, each of eight packets at most, the newest first.
What is complete goes up in lists of gro_normal_batch packets, or when the poll is over. Left out: what ends a packet early (the
PSH flag, a short segment, one out of order); a flow is its hash; fraglists.
"""

from tophalf.model.fields import (
    F_ARG,
    F_PC,
    F_R1,
    F_R3,
    F_R4,
    G_HZ_NS,
    G_STACK,
    N_DEFER,
    N_DEFER_COUNT,
    N_FLUSH_NS,
    N_STACK,
    Q_SINK,
)
from tophalf.model.ground.jit import compiled
from tophalf.model.ground.lists import append, unlink
from tophalf.model.net.packets import merge
from tophalf.model.net.stackfields import (
    GRO_HASH_BUCKETS,
    GRO_NORMAL_BATCH,
    MAX_GRO_SKBS,
    P_AGE,
    P_HASH,
    P_NEXT,
    P_QUEUE,
    P_SEGMENTS,
    ST_RECEIVE,
    X_GRO_SEGMENTS,
    Y_CHAINS,
    Y_HELD,
    Y_RX,
    Y_RX_COUNT,
    Y_RX_TAIL,
    Y_TIMED,
)
from tophalf.model.ops import STRIDE
from tophalf.model.sched.contexts import call
from tophalf.model.sched.tick import jiffies

HZ_1000_NS = 1_000_000


@compiled
def gro_receive(m, gro, packet):
    """napi_gro_receive. What it pushes out is in the list of what goes up; the age of the new one is that of now."""
    most = m[m[m[packet + P_QUEUE] + Q_SINK] + X_GRO_SEGMENTS]
    if most <= 1:
        normal(m, gro, packet)
        return
    chain = gro + Y_CHAINS + 2 * (m[packet + P_HASH] & GRO_HASH_BUCKETS - 1)
    held = m[chain]
    while held and m[held + P_HASH] != m[packet + P_HASH]:
        held = m[held + P_NEXT]
    if held and m[held + P_SEGMENTS] < most:
        merge(m, held, packet)
        return
    if held:
        complete(m, gro, chain, held)
    elif m[chain + 1] >= MAX_GRO_SKBS:
        complete(m, gro, chain, oldest(m, chain))
    m[packet + P_NEXT] = m[chain]
    m[chain] = packet
    m[chain + 1] += 1
    m[gro + Y_HELD] += 1
    m[packet + P_AGE] = jiffies(m)


@compiled
def normal(m, gro, packet):
    """gro_normal_one, without the look at the batch."""
    append(m, gro + Y_RX, gro + Y_RX_TAIL, packet, P_NEXT)
    m[gro + Y_RX_COUNT] += m[packet + P_SEGMENTS]


@compiled
def complete(m, gro, chain, packet):
    """napi_gro_complete: out of its chain, into the list of what goes up."""
    unlink(m, chain, packet, P_NEXT)
    m[chain + 1] -= 1
    m[gro + Y_HELD] -= 1
    normal(m, gro, packet)


@compiled
def oldest(m, chain):
    packet = m[chain]
    while m[packet + P_NEXT]:
        packet = m[packet + P_NEXT]
    return packet


@compiled
def receive_if(m, cpu, frame, count):
    """gro_normal_list, when `count` packets or more wait: the instruction is done again afterwards. Returns whether it is."""
    napi = m[frame + F_ARG]
    if m[m[napi + N_STACK] + Y_RX_COUNT] < count:
        return False
    m[frame + F_PC] -= STRIDE
    call(m, cpu, m[m[G_STACK] + ST_RECEIVE], napi)
    return True


@compiled
def batch_is_full(m, cpu, frame):
    return receive_if(m, cpu, frame, GRO_NORMAL_BATCH)


@compiled
def flush(m, cpu, frame, old_only):
    """napi_gro_flush and gro_normal_list. R3: the chain that is looked at. old_only: leave what came in this jiffy."""
    gro = m[m[frame + F_ARG] + N_STACK]
    while m[frame + F_R3] < GRO_HASH_BUCKETS:
        chain = gro + Y_CHAINS + 2 * m[frame + F_R3]
        while m[chain]:
            packet = oldest(m, chain)
            if old_only and m[packet + P_AGE] == jiffies(m):
                break
            complete(m, gro, chain, packet)
            if batch_is_full(m, cpu, frame):
                return
        m[frame + F_R3] += 1
    receive_if(m, cpu, frame, 1)


@compiled
def flush_at_end(m, cpu, frame, budget):
    """OP_GRO_COMPLETE: what napi_complete_done does of it, after a poll of fewer packets (R1) than it might have.

    R4, with the first look: 1 and whether a timeout bounds how long the young are held.
    """
    napi, work = m[frame + F_ARG], m[frame + F_R1]
    if work >= budget:
        return
    gro = m[napi + N_STACK]
    if m[frame + F_R4] == 0:
        m[gro + Y_TIMED] = 1 if work and m[gro + Y_HELD] else 0
        deferred = m[napi + N_DEFER] if work else m[napi + N_DEFER_COUNT]
        m[frame + F_R4] = 2 if m[napi + N_FLUSH_NS] and (m[gro + Y_TIMED] or deferred) else 1
    flush(m, cpu, frame, m[frame + F_R4] == 2)


@compiled
def flush_after_full(m, cpu, frame):
    """OP_GRO_FLUSH: what __napi_poll does of it, after a poll of the whole weight."""
    flush(m, cpu, frame, m[G_HZ_NS] <= HZ_1000_NS)
