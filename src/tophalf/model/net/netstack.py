"""The way of a packet above the driver: GRO, steering, a backlog, protocols, a socket. net/core/dev.c.

A driver's poll packet by packet (OP_STACK_RX), netif_receive_skb_list_internal (OP_STEER, OP_RECEIVE), process_backlog. A list is
steered first, then what stays goes through the protocols. Each packet is one or two instructions of the engine: slower to
run than queues without a stack, whose polls are worked out in one go. Left out: netpoll, taps, XDP, TCP, forwarding.
"""

from tophalf.model.fields import (
    C_STACK,
    F_ARG,
    F_LEFT,
    F_PC,
    F_R1,
    F_R2,
    F_R3,
    F_R4,
    F_R5,
    G_KERNEL,
    G_NOW,
    G_STACK,
    N_QUEUE,
    N_STACK,
    N_STATE,
    N_WEIGHT,
    NAPI_SCHED,
    Q_HEAD,
    Q_PACKET_COST,
    Q_SINK,
    Q_STAGED,
    Q_TAIL,
)
from tophalf.model.ground.costs import cost
from tophalf.model.ground.jit import compiled
from tophalf.model.ground.lists import append
from tophalf.model.net.gro import batch_is_full, flush_after_full, flush_at_end, gro_receive
from tophalf.model.net.napi import join_poll_list
from tophalf.model.net.nicring import arrive
from tophalf.model.net.packets import take_packet
from tophalf.model.net.rps import steer_packet
from tophalf.model.net.rpsipi import has_rps_ipi_waiting, send_rps_ipis
from tophalf.model.net.stackfields import (
    P_NEXT,
    P_QUEUE,
    SD_BACKLOG,
    SD_HEAD,
    SD_INPUT,
    SD_INPUT_LEN,
    SD_INPUT_TAIL,
    SD_PROCESS,
    SD_PROCESS_LEN,
    SD_PROCESS_TAIL,
    SD_RECEIVED_RPS,
    ST_DEV_WEIGHT,
    ST_FREE,
    X_FLOW_TABLE,
    X_IS_STAGED,
    X_PROTOCOL_COST,
    X_RPS_LEN,
    X_STEER_COST,
    Y_RX,
    Y_RX_COUNT,
)
from tophalf.model.net.stackops import (
    OP_GRO_COMPLETE,
    OP_GRO_FLUSH,
    OP_PROCESS_BACKLOG,
    OP_RECEIVE,
    OP_RECV_TAKE,
    OP_RPS_TRIGGER,
    OP_STACK_RX,
    OP_STEER,
)
from tophalf.model.net.udpsocket import deliver, execute_recv
from tophalf.model.ops import STRIDE
from tophalf.model.sched.contexts import NO_PACKETS, fail
from tophalf.model.sched.fair import KERNEL_6_1


@compiled
def execute_stack(m, cpu, frame, op, x, y):
    """Instructions of the stack; x: a weight, or a socket; y: where to go on."""
    if op == OP_STACK_RX:
        stack_rx(m, cpu, frame, x)
    elif op == OP_STEER:
        steer(m, cpu, frame)
    elif op == OP_RECEIVE:
        receive(m, cpu, frame)
    elif op == OP_PROCESS_BACKLOG:
        process_backlog(m, cpu, frame)
    elif op >= OP_RECV_TAKE:
        execute_recv(m, cpu, frame, op, x, y)
    elif op == OP_GRO_COMPLETE:
        flush_at_end(m, cpu, frame, m[m[frame + F_ARG] + N_WEIGHT])
    elif op == OP_GRO_FLUSH:
        flush_after_full(m, cpu, frame)
    elif op == OP_RPS_TRIGGER:
        rps_trigger(m, cpu, m[frame + F_ARG])


@compiled
def stack_rx(m, cpu, frame, weight):
    """A driver's poll, one packet at a time. R1: packets so far; R2: whether one is in service, whose slot is still taken."""
    napi = m[frame + F_ARG]
    queue = m[napi + N_QUEUE]
    if m[frame + F_R2]:
        m[frame + F_R2] = 0
        if m[m[G_STACK] + ST_FREE] == 0:
            fail(m, cpu, NO_PACKETS)
            return
        arrive(m, queue, m[G_NOW] - 1)  # what came before found its slot still taken
        m[frame + F_R1] += 1
        gro_receive(m, m[napi + N_STACK], take_packet(m, queue))
        if batch_is_full(m, cpu, frame):
            return
    arrive(m, queue, m[G_NOW])
    end = m[queue + Q_STAGED] if m[m[queue + Q_SINK] + X_IS_STAGED] else m[queue + Q_TAIL]
    if m[queue + Q_HEAD] < end and m[frame + F_R1] < weight:
        m[frame + F_R2] = 1
        spend_again(m, frame, m[queue + Q_PACKET_COST])


@compiled
def spend_again(m, frame, which):
    """Spend a cost, then do the instruction again."""
    m[frame + F_LEFT] = cost(m, which)
    m[frame + F_PC] -= STRIDE


@compiled
def steer(m, cpu, frame):
    """The first pass over what GRO gives. R1: what is to be steered; R2, R3: the list of what stays; R4: the one in hand."""
    gro = m[m[frame + F_ARG] + N_STACK]
    if m[frame + F_R5] == 0:
        m[frame + F_R5] = 1
        m[frame + F_R1] = m[gro + Y_RX]
        m[gro + Y_RX] = m[gro + Y_RX_COUNT] = 0
        sink = m[m[m[frame + F_ARG] + N_QUEUE] + Q_SINK]
        if m[sink + X_RPS_LEN] == 0 and m[sink + X_FLOW_TABLE] == 0:
            m[frame + F_R2] = m[frame + F_R1]
            m[frame + F_R1] = 0
    packet = m[frame + F_R4]
    if packet and not steer_packet(m, cpu, packet):
        append(m, frame + F_R2, frame + F_R3, packet, P_NEXT)
    packet = m[frame + F_R4] = m[frame + F_R1]
    if packet:
        m[frame + F_R1] = m[packet + P_NEXT]
        spend_again(m, frame, m[m[m[packet + P_QUEUE] + Q_SINK] + X_STEER_COST])


@compiled
def receive(m, cpu, frame):
    """The second pass (__netif_receive_skb_list): what stays here. R2: what is left; R4: the one in the protocols."""
    if m[frame + F_R4]:
        deliver(m, cpu, m[frame + F_R4])
    packet = m[frame + F_R4] = m[frame + F_R2]
    if packet:
        m[frame + F_R2] = m[packet + P_NEXT]
        spend_again(m, frame, m[m[m[packet + P_QUEUE] + Q_SINK] + X_PROTOCOL_COST])


@compiled
def process_backlog(m, cpu, frame):
    """The poll of a CPU's backlog. R1: packets so far; R4: the one in the protocols; R5: whether it has begun."""
    softnet = m[cpu + C_STACK]
    if m[frame + F_R5] == 0:
        m[frame + F_R5] = 1
        if has_rps_ipi_waiting(m, cpu):
            send_rps_ipis(m, cpu)
        m[softnet + SD_BACKLOG + N_WEIGHT] = m[m[G_STACK] + ST_DEV_WEIGHT]
    one_at_a_time = m[G_KERNEL] <= KERNEL_6_1
    if m[frame + F_R4]:
        deliver(m, cpu, m[frame + F_R4])
        m[frame + F_R4] = 0
        m[frame + F_R1] += 1
        m[softnet + SD_HEAD] += 1 if one_at_a_time else 0
    if m[frame + F_R1] < m[softnet + SD_BACKLOG + N_WEIGHT] and next_of_backlog(m, softnet):
        packet = m[softnet + SD_PROCESS]
        m[softnet + SD_PROCESS] = m[packet + P_NEXT]
        m[softnet + SD_PROCESS_LEN] -= 1
        m[frame + F_R4] = packet
        spend_again(m, frame, m[m[m[packet + P_QUEUE] + Q_SINK] + X_PROTOCOL_COST])
    elif not one_at_a_time:
        m[softnet + SD_HEAD] += m[frame + F_R1]


@compiled
def next_of_backlog(m, softnet):
    """Whether there is a packet to process. Where none is left, what came meanwhile is taken over; with nothing it is complete."""
    if m[softnet + SD_PROCESS]:
        return True
    if m[softnet + SD_INPUT] == 0:
        m[softnet + SD_BACKLOG + N_STATE] &= ~NAPI_SCHED
        return False
    m[softnet + SD_PROCESS] = m[softnet + SD_INPUT]
    m[softnet + SD_PROCESS_TAIL] = m[softnet + SD_INPUT_TAIL]
    m[softnet + SD_PROCESS_LEN] = m[softnet + SD_INPUT_LEN]
    m[softnet + SD_INPUT] = m[softnet + SD_INPUT_LEN] = 0
    return True


@compiled
def rps_trigger(m, cpu, softnet):
    """rps_trigger_softirq, in the interrupt that asks for it."""
    join_poll_list(m, cpu, softnet + SD_BACKLOG)
    m[softnet + SD_RECEIVED_RPS] += 1
