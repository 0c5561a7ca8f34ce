"""A UDP socket: packets wait in its receive buffer until a task reads them. net/ipv4/udp.c, net/core/sock.c.

__udp_enqueue_schedule_skb, sock_def_readable, __skb_recv_udp, udp_rmem_release. Memory is given back a quarter of the buffer at a
time, unless nothing is left. A read packet tells RFS where its flow is read (rps_record_sock_flow), as if each flow had a
connected socket of its own. Taking a packet needs bottom halves off; as they come on again the reader runs what softirqs wait,
unless those are left to ksoftirqd (6.1). Left out: limits of all sockets together (udp_mem), skb_condense, several readers of one
socket.
"""

from tophalf.model.fields import (
    C_CURRENT,
    C_NUMBER,
    F_LEFT,
    F_PC,
    F_R1,
    F_R2,
    F_R3,
    F_R4,
    G_STACK,
    Q_NAPI,
    Q_SINK,
    SLEEPING,
)
from tophalf.model.ground.costs import cost
from tophalf.model.ground.jit import compiled
from tophalf.model.ground.lists import append
from tophalf.model.net.driverfields import B_LOOP, B_NAPI
from tophalf.model.net.packets import free, hand_over
from tophalf.model.net.stackfields import (
    P_HASH,
    P_NEXT,
    P_QUEUE,
    P_SEGMENTS,
    S_BATCH,
    S_BUSY,
    S_DEFICIT,
    S_IN_DATAGRAMS,
    S_QUEUE,
    S_QUEUE_TAIL,
    S_RCVBUF,
    S_RCVBUF_ERRORS,
    S_READER,
    S_READER_TAIL,
    S_RECV_COST,
    S_RMEM,
    S_WAITER,
    ST_CPU_MASK,
    ST_SOCK_MASK,
    ST_SOCK_TABLE,
    X_SOCKET_COUNT,
    X_SOCKET_DROPPED,
    X_SOCKETS,
    X_TRUESIZE,
)
from tophalf.model.net.stackops import OP_RECV_COPY, OP_RECV_TAKE
from tophalf.model.ops import STRIDE
from tophalf.model.sched.contexts import call
from tophalf.model.sched.tasks import block
from tophalf.model.sched.wakeup import wake


@compiled
def deliver(m, cpu, packet):
    """The protocols are done with a packet: to its flow's socket, or delivered where there is none."""
    sink = m[m[packet + P_QUEUE] + Q_SINK]
    if m[sink + X_SOCKET_COUNT] == 0:
        hand_over(m, packet)
        return
    socket = m[m[sink + X_SOCKETS] + (m[packet + P_HASH] * m[sink + X_SOCKET_COUNT] >> 32)]  # reuseport_select_sock
    if m[socket + S_RMEM] > m[socket + S_RCVBUF]:
        m[socket + S_RCVBUF_ERRORS] += m[packet + P_SEGMENTS]
        m[sink + X_SOCKET_DROPPED] += m[packet + P_SEGMENTS]
        free(m, packet)
        return
    m[socket + S_RMEM] += m[sink + X_TRUESIZE] * m[packet + P_SEGMENTS]
    append(m, socket + S_QUEUE, socket + S_QUEUE_TAIL, packet, P_NEXT)
    if m[socket + S_BUSY] and m[m[socket + S_BUSY] + B_NAPI] == 0:
        m[m[socket + S_BUSY] + B_NAPI] = m[m[packet + P_QUEUE] + Q_NAPI]  # sk_mark_napi_id_once
    if m[socket + S_WAITER]:
        waiter = m[socket + S_WAITER]
        m[socket + S_WAITER] = 0
        wake(m, cpu, waiter)


@compiled
def execute_recv(m, cpu, frame, op, socket, again):
    """Steps of a system call that reads; R1: packets in all, pieces that GRO merged counted; R2: reads; R4: the one in hand."""
    if op == OP_RECV_TAKE:
        m[frame + F_R4] = dequeue_packet(m, socket)
    elif op == OP_RECV_COPY:
        copy_or_wait(m, cpu, frame, socket, again)
    else:
        packet = m[frame + F_R4]
        m[frame + F_R1] += m[packet + P_SEGMENTS]
        m[frame + F_R2] += 1
        m[socket + S_IN_DATAGRAMS] += m[packet + P_SEGMENTS]
        hand_over(m, packet)
        if m[frame + F_R2] < m[socket + S_BATCH]:
            m[frame + F_PC] = again


@compiled
def copy_or_wait(m, cpu, frame, socket, again):
    """Copy what was taken. With nothing: return if something was read (recvmmsg with MSG_WAITFORONE), else sleep, and try again."""
    packet = m[frame + F_R4]
    if packet:
        record_flow(m, cpu, m[packet + P_HASH])
        m[frame + F_LEFT] = cost(m, m[socket + S_RECV_COST])
    elif m[frame + F_R2]:
        m[frame + F_PC] += STRIDE  # past OP_RECV_COPIED
    elif m[socket + S_QUEUE]:
        m[frame + F_R3] = 0  # softirqs, or its own polls, brought it as bottom halves came on
        m[frame + F_PC] = again
    elif not busy_polls(m, cpu, frame, socket):
        m[frame + F_PC] = again
        m[socket + S_WAITER] = m[cpu + C_CURRENT]
        block(m, cpu, SLEEPING)


@compiled
def busy_polls(m, cpu, frame, socket):
    """Whether a read that finds nothing polls the device before it sleeps (sk_busy_loop). R3: it has, and looks once more."""
    reader = m[socket + S_BUSY]
    if reader == 0 or m[reader + B_NAPI] == 0 or m[frame + F_R3]:
        m[frame + F_R3] = 0
        return False
    m[frame + F_R3] = 1
    m[frame + F_PC] -= STRIDE
    call(m, cpu, m[reader + B_LOOP], reader)
    return True


@compiled
def dequeue_packet(m, socket):
    """The first packet that waits, 0 for none; its memory is given back, now or with that of others."""
    if m[socket + S_READER] == 0:
        take_over(m, socket)
    packet = m[socket + S_READER]
    if packet == 0:
        return 0
    m[socket + S_READER] = m[packet + P_NEXT]
    m[socket + S_DEFICIT] += m[m[m[packet + P_QUEUE] + Q_SINK] + X_TRUESIZE] * m[packet + P_SEGMENTS]
    if m[socket + S_READER] == 0 or m[socket + S_DEFICIT] >= m[socket + S_RCVBUF] >> 2:
        m[socket + S_RMEM] -= m[socket + S_DEFICIT]
        m[socket + S_DEFICIT] = 0
        take_over(m, socket)
    return packet


@compiled
def take_over(m, socket):
    """All that waits in the receive queue goes to the end of the reader's."""
    if m[socket + S_QUEUE] == 0:
        return
    if m[socket + S_READER]:
        m[m[socket + S_READER_TAIL] + P_NEXT] = m[socket + S_QUEUE]
    else:
        m[socket + S_READER] = m[socket + S_QUEUE]
    m[socket + S_READER_TAIL] = m[socket + S_QUEUE_TAIL]
    m[socket + S_QUEUE] = 0


@compiled
def record_flow(m, cpu, packet_hash):
    """rps_record_sock_flow: this flow is read on this CPU."""
    stack = m[G_STACK]
    if m[stack + ST_SOCK_TABLE] and packet_hash:
        mask = m[stack + ST_CPU_MASK]
        m[m[stack + ST_SOCK_TABLE] + (packet_hash & m[stack + ST_SOCK_MASK])] = packet_hash & ~mask | m[cpu + C_NUMBER]
