"""Grace periods that do not end: RCU's stall warning.

kernel/rcu/tree_stall.h check_cpu_stall, print_cpu_stall, print_other_cpu_stall. At a tick of a CPU that the grace period waits for,
once it has lasted CONFIG_RCU_CPU_STALL_TIMEOUT; by another CPU two jiffies later, where those waited for have no ticks. Left out:
that a soft lockup that is said puts it off.
"""

from tophalf.model.check.complain import complain
from tophalf.model.check.watchfields import RCU_STALL, RCU_STALL_ELSEWHERE
from tophalf.model.fields import C_CURRENT, C_NUMBER, CPU_SIZE, G_BLOCK, G_CPU_COUNT, G_CPUS, G_HZ_NS
from tophalf.model.ground.jit import compiled
from tophalf.model.sched.tick import jiffies
from tophalf.model.softirq.backgroundfields import BG_GP_SINCE, BG_STALL, BP_OWES
from tophalf.model.softirq.loadbalance import row_of

TIMEOUT_NS = 21 * 10**9
RAT_DELAY = 2  # RCU_STALL_RAT_DELAY, jiffies


@compiled
def start_stall_check(m, background):
    """record_gp_stall_check_time."""
    m[background + BG_STALL] = m[background + BG_GP_SINCE] + TIMEOUT_NS // m[G_HZ_NS]


@compiled
def check_cpu_stall(m, cpu):
    """At a tick while a grace period goes on."""
    background, now = m[G_BLOCK], jiffies(m)
    stall = m[background + BG_STALL]
    if now < stall:
        return
    owes = m[row_of(m, cpu) + BP_OWES]
    if not owes and now < stall + RAT_DELAY:
        return
    m[background + BG_STALL] = now + 3 * (TIMEOUT_NS // m[G_HZ_NS]) + 3
    lasted = now - m[background + BG_GP_SINCE]
    if owes:
        complain(m, cpu, RCU_STALL, m[cpu + C_CURRENT], lasted, m[cpu + C_NUMBER])
        return
    other = m[G_CPUS]
    for _ in range(m[G_CPU_COUNT]):
        if m[row_of(m, other) + BP_OWES]:
            complain(m, other, RCU_STALL_ELSEWHERE, m[other + C_CURRENT], lasted, m[cpu + C_NUMBER])
        other += CPU_SIZE
