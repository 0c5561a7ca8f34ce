"""What a driver does at the end of a poll beside unmasking its queue: adaptive interrupt moderation.

By DIM as mlx5 and ice do: a sample after napi_complete_done, another profile by schedule_work. By e1000e's own rule (netdev.c
e1000_update_itr, e1000_set_itr): at each completion, at once. Left out: DIM's period modes as devices count them (a profile's
usecs are rx-usecs here, from the first packet that waits, whether EQE or CQE); e1000e at other speeds than a gigabit (4,000 a
second there), its MSI-X form, which writes the interval at the next interrupt.
"""

from tophalf.model.fields import (
    C_PROCESSED,
    F_ARG,
    F_R1,
    G_NOW,
    N_DIM,
    N_PACKETS,
    N_QUEUE,
    N_STATE,
    N_TX,
    NAPI_SCHED,
    Q_ARMED,
    Q_FRAMES,
    Q_ITR_NS,
    Q_NAPI,
    Q_USECS_NS,
)
from tophalf.model.ground.jit import compiled
from tophalf.model.net.dim import DIM_START_MEASURE, net_dim
from tophalf.model.net.driverfields import (
    A_APPLIED,
    A_BYTES,
    A_EVENTS,
    A_KIND,
    A_PROFILE,
    A_PROFILES,
    A_QUEUE,
    A_START_PACKETS,
    A_STATE,
    A_TUNE,
    A_WORK,
    A_WQ,
    BY_DIM,
    TX_IS_INCOMPLETE,
)
from tophalf.model.net.napi import napi_complete_done
from tophalf.model.net.nic import watch
from tophalf.model.net.txring import forward, tx_watch
from tophalf.model.work.workqueue import queue_work

LOWEST_LATENCY, LOW_LATENCY, BULK_LATENCY = range(3)
DYNAMIC, CONSERVATIVE = 1, 3  # InterruptThrottleRate, itr_setting
ITR_START = 20_000  # a second
ITR_UNIT_NS = 256


@compiled
def driver_event(m, moderation):
    """In the handler: an interrupt has come."""
    m[moderation + A_EVENTS] += 1
    napi = m[m[moderation + A_QUEUE] + Q_NAPI]
    if m[moderation + A_KIND] != BY_DIM and not m[napi + N_STATE] & NAPI_SCHED:
        m[moderation + A_START_PACKETS] = m[napi + N_PACKETS]


@compiled
def driver_complete(m, cpu, frame, budget):
    """The end of a driver's poll, in OP_NAPI_COMPLETE's place; R1: packets."""
    napi, work = m[frame + F_ARG], m[frame + F_R1]
    tx = m[napi + N_TX]
    if tx and not has_sent(m, cpu, frame, tx, budget):
        return
    if work >= budget or not napi_complete_done(m, cpu, napi, work):
        return
    if m[napi + N_DIM]:
        moderate(m, cpu, m[napi + N_DIM], m[napi + N_PACKETS] + work)
    watch(m, m[napi + N_QUEUE])
    if tx:
        tx_watch(m, tx)


@compiled
def has_sent(m, cpu, frame, tx, budget):
    """Of what was received, some is sent on. Returns False where cleaning reached its limit: told as a whole poll then."""
    napi, work = m[frame + F_ARG], m[frame + F_R1]
    forward(m, tx, work)
    if work >= budget or not m[tx + TX_IS_INCOMPLETE]:
        return True
    m[frame + F_R1] = budget
    m[napi + N_PACKETS] -= budget - work  # what is told and was not received
    m[cpu + C_PROCESSED] -= budget - work
    return False


@compiled
def moderate(m, cpu, moderation, packets):
    """packets: of the queue, ever, those of this poll with them."""
    if m[moderation + A_KIND] != BY_DIM:
        set_itr(m, moderation, packets - m[moderation + A_START_PACKETS])
    elif net_dim(m, moderation, m[G_NOW], m[moderation + A_EVENTS], packets, packets * m[moderation + A_BYTES]):
        queue_work(m, cpu, 0, m[moderation + A_WQ], m[moderation + A_WORK])  # schedule_work


@compiled
def dim_apply(m, moderation):
    """The work item: the device has its new profile, measuring begins anew."""
    queue, profile = m[moderation + A_QUEUE], m[moderation + A_PROFILES] + 2 * m[moderation + A_PROFILE]
    m[queue + Q_USECS_NS] = m[profile] * 1000
    m[queue + Q_FRAMES] = m[profile + 1]
    m[moderation + A_APPLIED] += 1
    m[moderation + A_STATE] = DIM_START_MEASURE
    if m[queue + Q_ARMED]:
        watch(m, queue)


@compiled
def update_itr(setting, packets, size):
    """e1000_update_itr: the class of traffic after an interrupt that brought so many packets of `size` bytes in all."""
    if packets == 0:
        return setting
    each = size // packets
    if setting == LOWEST_LATENCY:
        if each > 8000:
            return BULK_LATENCY
        return LOW_LATENCY if packets < 5 and size > 512 else setting
    if setting == BULK_LATENCY:
        return LOW_LATENCY if packets > 35 and size > 25_000 or size < 6000 else setting
    if size > 10_000:
        if packets < 10 or each > 1200:  # each > 8000 among them
            return BULK_LATENCY
        return LOWEST_LATENCY if packets > 35 else setting
    if each > 2000:
        return BULK_LATENCY
    return LOWEST_LATENCY if packets <= 2 and size < 512 else setting


@compiled
def set_itr(m, moderation, packets):
    """e1000_set_itr. An interrupt rate rises by a quarter of its target at a time, and falls at once."""
    m[moderation + A_STATE] = update_itr(m[moderation + A_STATE], packets, packets * m[moderation + A_BYTES])
    if m[moderation + A_PROFILE] == CONSERVATIVE and m[moderation + A_STATE] == LOWEST_LATENCY:
        m[moderation + A_STATE] = LOW_LATENCY
    wanted, itr = 4000, m[moderation + A_TUNE]
    if m[moderation + A_STATE] == LOWEST_LATENCY:
        wanted = 70_000
    elif m[moderation + A_STATE] == LOW_LATENCY:
        wanted = 20_000
    if wanted == itr:
        return
    m[moderation + A_TUNE] = min(itr + (wanted >> 2), wanted) if wanted > itr else wanted
    m[moderation + A_APPLIED] += 1
    m[m[moderation + A_QUEUE] + Q_ITR_NS] = interval_ns(m[moderation + A_TUNE])


@compiled
def interval_ns(itr):
    """e1000e_write_itr: the register counts in units of 256 ns."""
    return 10**9 // (itr * ITR_UNIT_NS) * ITR_UNIT_NS
