"""Interrupts to CPUs whose backlog has been given packets, sent when this CPU's polls are over. net/core/dev.c.

net_rps_action_and_irq_enable, net_rps_send_ipi. Apart from `rps`, which needs `napi`, which needs this.
"""

from tophalf.model.cpu.smpcall import call_on
from tophalf.model.fields import C_STACK, CPU_SIZE, G_CPUS
from tophalf.model.ground.jit import compiled, inlined
from tophalf.model.net.stackfields import SD_CPU, SD_CSD, SD_IPI_LIST, SD_IPI_NEXT


@inlined
def has_rps_ipi_waiting(m, cpu):
    return m[cpu + C_STACK] and m[m[cpu + C_STACK] + SD_IPI_LIST]


@compiled
def send_rps_ipis(m, cpu):
    """Ask each of them to poll its backlog, the last that was given one first."""
    mine = m[cpu + C_STACK]
    other = m[mine + SD_IPI_LIST]
    m[mine + SD_IPI_LIST] = 0
    while other:
        following = m[other + SD_IPI_NEXT]
        call_on(m, m[G_CPUS] + m[other + SD_CPU] * CPU_SIZE, other + SD_CSD)
        other = following
