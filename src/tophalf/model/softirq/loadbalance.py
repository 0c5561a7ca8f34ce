"""The load balancer's softirq SCHED, counted and costed: when it is a CPU's turn, and for how long that stays so.

kernel/sched/fair.c sched_balance_trigger, sched_balance_domains, get_sd_balance_interval; kernel/sched/topology.c sd_init. Left
out: that tasks move, so a domain is always found balanced and its interval grows to the longest; several domains (all CPUs are
one); balancing for idle CPUs (nohz_balancer_kick), on becoming idle, and at wakeups.
"""

from tophalf import vocab
from tophalf.model.fields import C_CURRENT, C_IDLE, C_NUMBER, F_LEFT, G_BLOCK, G_CPU_COUNT, G_HZ_NS
from tophalf.model.ground.costs import cost
from tophalf.model.ground.jit import compiled
from tophalf.model.sched.tick import jiffies
from tophalf.model.softirq.backgroundfields import (
    BACKGROUND_ROW,
    BG_BALANCE_COST,
    BG_ROWS,
    BP_BALANCES,
    BP_INTERVAL,
    BP_LAST_BALANCE,
    BP_NEXT_BALANCE,
)
from tophalf.model.softirq.softirq import mark_softirq

BUSY_FACTOR = 16  # sd_init


@compiled
def row_of(m, cpu):
    """A CPU's row in the machine's block."""
    return m[m[G_BLOCK] + BG_ROWS] + m[cpu + C_NUMBER] * BACKGROUND_ROW


@compiled
def sched_balance_trigger(m, cpu):
    """At a tick. With one CPU there is no domain."""
    if m[m[G_BLOCK] + BG_BALANCE_COST] and m[G_CPU_COUNT] > 1 and jiffies(m) >= m[row_of(m, cpu) + BP_NEXT_BALANCE]:
        mark_softirq(m, cpu, vocab.SCHED)


@compiled
def sched_balance_softirq(m, cpu, frame):
    """sched_balance_domains. The interval doubles while there is nothing to move, up to twice the number of CPUs in ms."""
    row = row_of(m, cpu)
    busy = m[cpu + C_CURRENT] != m[cpu + C_IDLE]
    if jiffies(m) >= m[row + BP_LAST_BALANCE] + balance_interval(m, row, busy):
        m[frame + F_LEFT] = cost(m, m[m[G_BLOCK] + BG_BALANCE_COST])
        m[row + BP_BALANCES] += 1
        m[row + BP_LAST_BALANCE] = jiffies(m)
        m[row + BP_INTERVAL] = min(2 * m[row + BP_INTERVAL], 2 * m[G_CPU_COUNT])
    m[row + BP_NEXT_BALANCE] = m[row + BP_LAST_BALANCE] + balance_interval(m, row, busy)


@compiled
def balance_interval(m, row, busy):
    """get_sd_balance_interval, jiffies: sixteen times as long, less one, on a busy CPU; at most a tenth of a second a CPU."""
    interval = m[row + BP_INTERVAL]
    if busy:
        interval *= BUSY_FACTOR
    interval = -(-interval * 1_000_000 // m[G_HZ_NS])
    if busy:
        interval -= 1
    return min(max(interval, 1), 1_000_000_000 // m[G_HZ_NS] * m[G_CPU_COUNT] // 10)
