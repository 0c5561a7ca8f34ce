"""A send queue: the device is done with packets one after the other; its driver cleans them, in the poll that receives.

As drivers with one vector for both do (ixgbe_poll, ice_napi_poll, e1000e_poll): sent packets first, at their own limit, not against
the budget; one that reaches the limit keeps the instance polling. Cleaned in an interrupt (a driver without NAPI), packets are
freed by the softirq NET_TX (dev_kfree_skb_irq, net/core/dev.c net_tx_action). tx-usecs counts from the first packet that waits to
be cleaned. A packet that finds the ring full is held back by its queueing discipline, which is left out: it counts as stopped. Left
out, too: what sending costs, byte queue limits, the interval of e1000e by sent packets, DIM for sending.
"""

from tophalf import vocab
from tophalf.model.fields import (
    C_COMPLETION_NS,
    F_LEFT,
    F_PC,
    F_R3,
    F_R4,
    G_NOW,
    NEVER,
    Q_ARMED,
    Q_DESC,
    Q_ITR_NS,
    Q_LAST_IRQ,
    Q_NEXT,
    Q_TIMER,
)
from tophalf.model.ground.costs import cost
from tophalf.model.ground.jit import compiled
from tophalf.model.ground.queue import arm_or_cancel, cancel
from tophalf.model.irq.irqlines import raise_line
from tophalf.model.net.driverfields import (
    TX_CLEANED,
    TX_COST,
    TX_DONE,
    TX_FRAMES,
    TX_FREE,
    TX_FREE_COST,
    TX_IS_INCOMPLETE,
    TX_LIMIT,
    TX_NEXT_NS,
    TX_PENDING,
    TX_QUEUE,
    TX_REST,
    TX_RING,
    TX_SHARE,
    TX_SLOTS,
    TX_SOURCE,
    TX_STOPPED,
    TX_TIMER,
    TX_USECS_NS,
    TX_WIRE_NS,
)
from tophalf.model.net.nicring import go_to_next
from tophalf.model.ops import STRIDE
from tophalf.model.softirq.softirq import raise_softirq

# What the device does


@compiled
def finish(m, tx, time_ns):
    """What the device has sent by then."""
    while m[tx + TX_PENDING] and m[tx + TX_NEXT_NS] <= time_ns:
        m[m[tx + TX_SLOTS] + m[tx + TX_DONE] % m[tx + TX_RING]] = m[tx + TX_NEXT_NS]
        m[tx + TX_DONE] += 1
        m[tx + TX_PENDING] -= 1
        m[tx + TX_NEXT_NS] += m[tx + TX_WIRE_NS]


@compiled
def give(m, tx, count, time_ns):
    """Packets for the device, as many as its ring has room for."""
    finish(m, tx, time_ns)
    room = m[tx + TX_RING] - (m[tx + TX_PENDING] + m[tx + TX_DONE] - m[tx + TX_CLEANED])
    m[tx + TX_STOPPED] += max(count - room, 0)
    count = min(count, room)
    if count and m[tx + TX_PENDING] == 0:
        m[tx + TX_NEXT_NS] = max(time_ns, m[tx + TX_NEXT_NS] - m[tx + TX_WIRE_NS]) + m[tx + TX_WIRE_NS]
    m[tx + TX_PENDING] += count


@compiled
def advance(m, tx, time_ns):
    """All that was sent and done by then."""
    source = m[tx + TX_SOURCE]
    while source and m[source + Q_NEXT] <= time_ns:
        give(m, tx, 1, m[source + Q_NEXT])
        go_to_next(m, source)
    finish(m, tx, time_ns)


@compiled
def next_done(m, tx):
    """When the next packet is done that is not yet."""
    if m[tx + TX_PENDING]:
        return m[tx + TX_NEXT_NS]
    source = m[tx + TX_SOURCE]
    if source == 0 or m[source + Q_NEXT] == NEVER:
        return NEVER
    return max(m[source + Q_NEXT], m[tx + TX_NEXT_NS] - m[tx + TX_WIRE_NS]) + m[tx + TX_WIRE_NS]


# Its interrupt, which is the receive queue's


@compiled
def signal_ns(m, tx):
    """When to look whether to signal: exactly then, or at a packet that may bring it about."""
    waiting, frames = m[tx + TX_DONE] - m[tx + TX_CLEANED], max(m[tx + TX_FRAMES], 1)
    if waiting >= frames and (frames > 1 or m[tx + TX_USECS_NS] == 0):
        time_ns = m[G_NOW]
    elif waiting:
        first_ns = m[m[tx + TX_SLOTS] + m[tx + TX_CLEANED] % m[tx + TX_RING]]
        time_ns = first_ns + m[tx + TX_USECS_NS] if m[tx + TX_USECS_NS] else NEVER
        time_ns = min(time_ns, next_done(m, tx)) if frames > 1 else time_ns
    else:
        time_ns = next_done(m, tx)
        if frames == 1 and time_ns < NEVER:
            time_ns += m[tx + TX_USECS_NS]
    queue = m[tx + TX_QUEUE]
    if m[queue + Q_ITR_NS] and time_ns < NEVER:
        time_ns = max(time_ns, m[queue + Q_LAST_IRQ] + m[queue + Q_ITR_NS])
    return time_ns


@compiled
def tx_watch(m, tx):
    """The line is open: signal when its time has come."""
    advance(m, tx, m[G_NOW])
    arm_or_cancel(m, tx + TX_TIMER, signal_ns(m, tx), m[G_NOW])


@compiled
def tx_looks(m, tx):
    """The queue's timer: signal if it is time and the line is open, else look again."""
    queue = m[tx + TX_QUEUE]
    if not m[queue + Q_ARMED]:
        return
    advance(m, tx, m[G_NOW])
    if m[tx + TX_DONE] == m[tx + TX_CLEANED] or signal_ns(m, tx) > m[G_NOW]:
        tx_watch(m, tx)
        return
    m[queue + Q_ARMED] = 0
    m[queue + Q_LAST_IRQ] = m[G_NOW]
    cancel(m, queue + Q_TIMER)
    raise_line(m, m[queue + Q_DESC])


# What its driver does


@compiled
def tx_clean(m, frame, tx):
    """Clean what is done, as long as there is something, up to the limit. R3: so far; R4: those in hand."""
    advance(m, tx, m[G_NOW])  # what came while those in hand were cleaned found their room still taken (next_to_clean)
    m[tx + TX_CLEANED] += m[frame + F_R4]
    m[frame + F_R3] += m[frame + F_R4]
    waiting = m[tx + TX_DONE] - m[tx + TX_CLEANED]
    count = m[frame + F_R4] = min(waiting, m[tx + TX_LIMIT] - m[frame + F_R3])
    if count == 0:
        m[tx + TX_IS_INCOMPLETE] = 1 if m[frame + F_R3] == m[tx + TX_LIMIT] else 0  # ixgbe_clean_tx_irq: return !!budget
        m[tx + TX_FREE] += m[frame + F_R3] if m[tx + TX_FREE_COST] else 0
        m[frame + F_R3] = 0
        return
    for _ in range(count):
        m[frame + F_LEFT] += cost(m, m[tx + TX_COST])
    m[frame + F_PC] -= STRIDE


@compiled
def forward(m, tx, received):
    """Of what a poll received, a share is sent on."""
    parts = m[tx + TX_REST] + received * m[tx + TX_SHARE]
    m[tx + TX_REST] = parts % 1000
    if parts >= 1000:
        advance(m, tx, m[G_NOW])  # others were before it
        give(m, tx, parts // 1000, m[G_NOW])


@compiled
def tx_free_irq(m, cpu, tx):
    """dev_kfree_skb_irq, of what was cleaned in an interrupt: to this CPU's completion queue."""
    if m[tx + TX_FREE] == 0:
        return
    for _ in range(m[tx + TX_FREE]):
        m[cpu + C_COMPLETION_NS] += cost(m, m[tx + TX_FREE_COST])
    m[tx + TX_FREE] = 0
    raise_softirq(m, cpu, vocab.NET_TX)


@compiled
def net_tx_action(m, cpu, frame):
    """The softirq NET_TX: free what is on the completion queue."""
    m[frame + F_LEFT] = m[cpu + C_COMPLETION_NS]
    m[cpu + C_COMPLETION_NS] = 0
