"""Packets on their way up from the ring to a socket: records of their own, whichever CPU and queue they wait at.

A record is an sk_buff as far as costs go (net/core/skbuff.c): when it came, its flow's hash, how many GRO made one of. Flows take
turns as the queue's table says, lost packets counted. Left out: contents, lengths, truesize after skb_condense.
"""

from tophalf.model.fields import (
    G_NOW,
    G_STACK,
    Q_DELIVERED,
    Q_HEAD,
    Q_LATENCY_MAX,
    Q_LATENCY_SUM,
    Q_SINK,
    SLOT_ARRIVAL,
    SLOT_SERIAL,
)
from tophalf.model.ground.jit import compiled
from tophalf.model.ground.latencycells import cell_of
from tophalf.model.net.nicring import slot_of
from tophalf.model.net.stackfields import (
    P_ARRIVAL,
    P_HASH,
    P_LAST,
    P_NEXT,
    P_PARTS,
    P_QUEUE,
    P_SEGMENTS,
    ST_FREE,
    X_FLOWS,
    X_MIXED,
    X_TURN,
)

MASK_32 = 0xFFFFFFFF


@compiled
def mixed(value):
    """32 bits whose every bit depends on all of the value's 32 (the end of MurmurHash3)."""
    value = (value ^ value >> 16) * 0x85EBCA6B & MASK_32
    value = (value ^ value >> 13) * 0xC2B2AE35 & MASK_32
    return value ^ value >> 16


@compiled
def take_packet(m, queue):
    """The packet at the head of the ring leaves it. Returns its record."""
    slot = slot_of(m, queue, m[queue + Q_HEAD])
    m[queue + Q_HEAD] += 1
    sink, stack, serial = m[queue + Q_SINK], m[G_STACK], m[slot + SLOT_SERIAL] - 1
    packet = m[stack + ST_FREE]
    m[stack + ST_FREE] = m[packet + P_NEXT]
    if m[sink + X_MIXED]:
        serial = mixed(serial + m[sink + X_MIXED] & MASK_32)
    m[packet + P_NEXT] = 0
    m[packet + P_QUEUE] = queue
    m[packet + P_HASH] = m[m[sink + X_FLOWS] + serial % m[sink + X_TURN]]
    m[packet + P_ARRIVAL] = m[slot + SLOT_ARRIVAL]
    m[packet + P_SEGMENTS] = 1
    m[packet + P_PARTS] = m[packet + P_LAST] = 0
    return packet


@compiled
def merge(m, packet, part):
    """GRO: `part` becomes a piece of `packet`."""
    m[packet + P_SEGMENTS] += 1
    if m[packet + P_PARTS]:
        m[m[packet + P_LAST] + P_NEXT] = part
    else:
        m[packet + P_PARTS] = part
    m[packet + P_LAST] = part


@compiled
def free(m, packet):
    """Give back the record of a packet and of its pieces."""
    stack, last = m[G_STACK], packet
    m[packet + P_NEXT] = m[packet + P_PARTS]
    if m[packet + P_PARTS]:
        last = m[packet + P_LAST]
    m[last + P_NEXT] = m[stack + ST_FREE]
    m[stack + ST_FREE] = packet


@compiled
def hand_over(m, packet):
    """Delivered now, piece by piece: count each with its own latency."""
    queue, part = m[packet + P_QUEUE], packet
    following = m[packet + P_PARTS]
    for _ in range(m[packet + P_SEGMENTS]):
        latency_ns = m[G_NOW] - m[part + P_ARRIVAL]
        m[queue + Q_DELIVERED] += 1
        m[queue + Q_LATENCY_SUM] += latency_ns
        m[queue + Q_LATENCY_MAX] = max(m[queue + Q_LATENCY_MAX], latency_ns)
        m[cell_of(m, queue, latency_ns)] += 1
        part = following
        if part:
            following = m[part + P_NEXT]
    free(m, packet)
