"""Receive packet steering: which CPU takes a packet through the protocols, and its backlog. net/core/dev.c.

get_rps_cpu (RPS by the hash, RFS first), set_rps_cpu, enqueue_to_backlog, skb_flow_limit, napi_schedule_rps. The flow limit is that
of the CPU that steers, the backlog's counters are those of the CPU that is steered to, as in the kernel. Left out: accelerated
RFS (ndo_rx_flow_steer), backlog threads (PREEMPT_RT), netif_rx.
"""

from tophalf import vocab
from tophalf.model.fields import (
    C_IN_NET_RX,
    C_ONLINE,
    C_STACK,
    CPU_SIZE,
    G_CPU_COUNT,
    G_CPUS,
    G_KERNEL,
    G_STACK,
    N_STATE,
    NAPI_SCHED,
    Q_SINK,
)
from tophalf.model.ground.jit import compiled
from tophalf.model.ground.lists import append
from tophalf.model.net.napi import join_poll_list
from tophalf.model.net.packets import free
from tophalf.model.net.stackfields import (
    FLOW_LIMIT_BUCKETS,
    FLOW_LIMIT_HISTORY,
    P_HASH,
    P_NEXT,
    P_QUEUE,
    P_SEGMENTS,
    RFLOW_CPU,
    RFLOW_LAST_QTAIL,
    RFLOW_SIZE,
    SD_BACKLOG,
    SD_DROPPED,
    SD_HEAD,
    SD_HISTORY,
    SD_HISTORY_AT,
    SD_IN_THREADED_POLL,
    SD_INPUT,
    SD_INPUT_LEN,
    SD_INPUT_TAIL,
    SD_IPI_LIST,
    SD_IPI_NEXT,
    SD_LIMITED,
    SD_TAIL,
    ST_CPU_MASK,
    ST_MAX_BACKLOG,
    ST_SOCK_MASK,
    ST_SOCK_TABLE,
    X_BACKLOG_DROPPED,
    X_FLOW_MASK,
    X_FLOW_TABLE,
    X_RPS_LEN,
    X_RPS_MAP,
)
from tophalf.model.sched.fair import KERNEL_6_1
from tophalf.model.softirq.softirq import mark_softirq


@compiled
def cpu_at(m, number):
    return m[G_CPUS] + number * CPU_SIZE


@compiled
def is_online(m, number):
    return number < m[G_CPU_COUNT] and m[cpu_at(m, number) + C_ONLINE] != 0


@compiled
def steer_packet(m, cpu, packet):
    """netif_receive_skb_list_internal, of one packet. Returns whether another backlog has it, or has lost it."""
    sink, packet_hash = m[m[packet + P_QUEUE] + Q_SINK], m[packet + P_HASH]
    if packet_hash == 0:
        return False
    flow = rfs_flow(m, sink, packet_hash)
    number = m[flow + RFLOW_CPU] if flow else -1
    if number < 0 and m[sink + X_RPS_LEN]:
        number = m[m[sink + X_RPS_MAP] + (packet_hash * m[sink + X_RPS_LEN] >> 32)]  # reciprocal_scale
        if not is_online(m, number):
            number = -1
    if number < 0:
        return False
    tail = enqueue_to_backlog(m, cpu, packet, cpu_at(m, number))
    if flow and tail >= 0:
        m[flow + RFLOW_LAST_QTAIL] = tail
    return True


@compiled
def rfs_flow(m, sink, packet_hash):
    """The queue's entry of a flow whose socket was read, when its CPU can take it; 0 for none: RPS by the hash has it then."""
    stack = m[G_STACK]
    if m[sink + X_FLOW_TABLE] == 0 or m[stack + ST_SOCK_TABLE] == 0:
        return 0
    ident = m[m[stack + ST_SOCK_TABLE] + (packet_hash & m[stack + ST_SOCK_MASK])]
    if (ident ^ packet_hash) & ~m[stack + ST_CPU_MASK]:
        return 0
    wanted = ident & m[stack + ST_CPU_MASK]
    flow = m[sink + X_FLOW_TABLE] + (packet_hash & m[sink + X_FLOW_MASK]) * RFLOW_SIZE
    if m[flow + RFLOW_CPU] != wanted and may_switch(m, flow):
        if wanted < m[G_CPU_COUNT]:
            m[flow + RFLOW_LAST_QTAIL] = m[m[cpu_at(m, wanted) + C_STACK] + SD_HEAD]
        m[flow + RFLOW_CPU] = wanted
    return flow if is_online(m, m[flow + RFLOW_CPU]) else 0


@compiled
def may_switch(m, flow):
    """Whether all earlier packets of the flow have left the backlog of the CPU it is at, so that none is overtaken."""
    number = m[flow + RFLOW_CPU]
    return not is_online(m, number) or m[m[cpu_at(m, number) + C_STACK] + SD_HEAD] >= m[flow + RFLOW_LAST_QTAIL]


@compiled
def enqueue_to_backlog(m, cpu, packet, target):
    """From `cpu` to the backlog of `target`. Returns the queue's tail after it; -1 when it was dropped."""
    there = m[target + C_STACK]
    waiting = m[there + SD_INPUT_LEN]
    if waiting > m[m[G_STACK] + ST_MAX_BACKLOG] or flow_limit(m, cpu, packet, waiting):
        m[there + SD_DROPPED] += 1
        m[m[m[packet + P_QUEUE] + Q_SINK] + X_BACKLOG_DROPPED] += m[packet + P_SEGMENTS]
        free(m, packet)
        return -1
    if waiting == 0 and not m[there + SD_BACKLOG + N_STATE] & NAPI_SCHED:
        m[there + SD_BACKLOG + N_STATE] |= NAPI_SCHED
        schedule_rps(m, cpu, target)
    append(m, there + SD_INPUT, there + SD_INPUT_TAIL, packet, P_NEXT)
    m[there + SD_INPUT_LEN] += 1
    m[there + SD_TAIL] += 1
    return m[there + SD_TAIL]


@compiled
def schedule_rps(m, cpu, target):
    """napi_schedule_rps: poll the own backlog; another CPU is told when the polls here are over."""
    if target == cpu:
        join_poll_list(m, cpu, m[cpu + C_STACK] + SD_BACKLOG)
        return
    mine, there = m[cpu + C_STACK], m[target + C_STACK]
    m[there + SD_IPI_NEXT] = m[mine + SD_IPI_LIST]
    m[mine + SD_IPI_LIST] = there
    polls_here = m[cpu + C_IN_NET_RX] or m[mine + SD_IN_THREADED_POLL]
    if not polls_here or m[G_KERNEL] <= KERNEL_6_1:
        mark_softirq(m, cpu, vocab.NET_RX)


@compiled
def flow_limit(m, cpu, packet, waiting):
    """skb_flow_limit: whether, at a backlog half full, the packet's flow has sent more than half of the last 128 packets."""
    mine = m[cpu + C_STACK]
    history = m[mine + SD_HISTORY]
    if waiting < m[m[G_STACK] + ST_MAX_BACKLOG] >> 1 or history == 0:
        return False
    buckets = history + FLOW_LIMIT_HISTORY
    new_flow, old_flow = m[packet + P_HASH] & FLOW_LIMIT_BUCKETS - 1, m[history + m[mine + SD_HISTORY_AT]]
    m[history + m[mine + SD_HISTORY_AT]] = new_flow
    m[mine + SD_HISTORY_AT] = m[mine + SD_HISTORY_AT] + 1 & FLOW_LIMIT_HISTORY - 1
    if m[buckets + old_flow]:
        m[buckets + old_flow] -= 1
    m[buckets + new_flow] += 1
    if m[buckets + new_flow] > FLOW_LIMIT_HISTORY >> 1:
        m[mine + SD_LIMITED] += 1
        return True
    return False
