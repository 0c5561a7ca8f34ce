"""Packets in the backlog of a CPU that is dead. net/core/dev.c dev_cpu_dead, netif_rx.

Each is given to the stack again on the CPU that looks after the dead one: to a CPU that RPS chooses, else to its own backlog.
"""

from tophalf.model.fields import C_STACK, N_STATE, NAPI_SCHED
from tophalf.model.ground.jit import compiled
from tophalf.model.net.rps import enqueue_to_backlog, steer_packet
from tophalf.model.net.rpsipi import has_rps_ipi_waiting, send_rps_ipis
from tophalf.model.net.stackfields import (
    P_NEXT,
    SD_BACKLOG,
    SD_HEAD,
    SD_INPUT,
    SD_INPUT_LEN,
    SD_PROCESS,
    SD_PROCESS_LEN,
)


@compiled
def is_backlog(m, cpu, napi):
    """Whether a NAPI instance is that of a CPU's backlog, which only this CPU may poll: it is not moved."""
    return m[cpu + C_STACK] and napi == m[cpu + C_STACK] + SD_BACKLOG


@compiled
def leave_backlog(m, napi):
    m[napi + N_STATE] &= ~NAPI_SCHED


@compiled
def tell_for(m, dead):
    """Interrupts to CPUs that the dead one gave packets and did not tell."""
    if has_rps_ipi_waiting(m, dead):
        send_rps_ipis(m, dead)


@compiled
def has_packets(m, dead):
    there = m[dead + C_STACK]
    return there and (m[there + SD_PROCESS] or m[there + SD_INPUT])


@compiled
def take_over_packet(m, cpu, dead):
    """The next one, first of those that were being processed."""
    there = m[dead + C_STACK]
    queue, length = (SD_PROCESS, SD_PROCESS_LEN) if m[there + SD_PROCESS] else (SD_INPUT, SD_INPUT_LEN)
    packet = m[there + queue]
    m[there + queue] = m[packet + P_NEXT]
    m[there + length] -= 1
    m[packet + P_NEXT] = 0
    if not steer_packet(m, cpu, packet):
        enqueue_to_backlog(m, cpu, packet, cpu)
    m[there + SD_HEAD] += 1
