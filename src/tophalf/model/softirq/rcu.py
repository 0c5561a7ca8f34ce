"""RCU's softirq: callbacks that wait until every CPU has passed a quiescent state, and are invoked a batch at a time.

kernel/rcu/tree.c rcu_sched_clock_irq, rcu_pending, rcu_core, rcu_do_batch. A grace period begins in the rcu_core of a CPU that has
callbacks when none goes on. A CPU notices it in its own rcu_core, passes a quiescent state with a context switch or a tick that
finds user mode or idle, and says so in its rcu_core. For an idle CPU it is said when the grace period has lasted some jiffies
(force_qs_rnp). Left out: the tree of nodes and the thread rcu_preempt (grace periods begin and end at no cost), preemptible RCU,
callbacks that are offloaded (rcu_nocbs), expedited grace periods.
"""

from tophalf import vocab
from tophalf.model.fields import (
    C_CURRENT,
    C_FRAME,
    C_IDLE,
    C_ONLINE,
    C_SWITCHES,
    CPU_SIZE,
    F_KIND,
    F_LEFT,
    F_PC,
    F_R1,
    FRAME_SIZE,
    G_BLOCK,
    G_CPU_COUNT,
    G_CPUS,
    G_HZ_NS,
    IN_HARDIRQ,
    IN_TASK,
)
from tophalf.model.ground.costs import cost
from tophalf.model.ground.jit import compiled
from tophalf.model.ops import STRIDE
from tophalf.model.sched.tick import jiffies, start_tick
from tophalf.model.softirq.backgroundfields import (
    BG_CALLBACK_COST,
    BG_GP,
    BG_GP_ON,
    BG_GP_SINCE,
    BG_OWING,
    BG_RCU_COST,
    BP_DONE,
    BP_INVOKED,
    BP_NEXT,
    BP_OWES,
    BP_PASSED,
    BP_QUEUED,
    BP_SEEN,
    BP_SWITCHES,
    BP_WAIT,
    BP_WAIT_GP,
)
from tophalf.model.softirq.loadbalance import row_of, sched_balance_softirq
from tophalf.model.softirq.rcustall import check_cpu_stall, start_stall_check
from tophalf.model.softirq.softirq import mark_softirq, raise_softirq
from tophalf.model.softirq.vectorops import OP_CALL_RCU, OP_LOAD_BALANCE, OP_RCU_CALLBACK, OP_RCU_CORE

BLIMIT, DIVISOR = 10, 7  # callbacks a batch; of many, one in 2**7


@compiled
def execute_background(m, cpu, frame, op, x):
    """Routines of RCU and SCHED, and call_rcu. x: how many callbacks, or where to go on."""
    if op == OP_CALL_RCU:
        row = row_of(m, cpu)
        m[row + BP_NEXT] += x
        m[row + BP_QUEUED] += x
        start_tick(m, cpu)
    elif op == OP_RCU_CORE:
        rcu_core(m, cpu, frame)
    elif op == OP_RCU_CALLBACK:
        next_callback(m, cpu, frame, x)
    elif op == OP_LOAD_BALANCE:
        sched_balance_softirq(m, cpu, frame)


@compiled
def rcu_sched_clock_irq(m, cpu, quiescent):
    """At a tick. quiescent: whether it found user mode or idle."""
    if m[m[G_BLOCK] + BG_RCU_COST] == 0:
        return
    row = row_of(m, cpu)
    if quiescent or m[cpu + C_SWITCHES] != m[row + BP_SWITCHES]:
        m[row + BP_PASSED] = 1
    force_quiescent_states(m)
    if m[m[G_BLOCK] + BG_GP_ON]:
        check_cpu_stall(m, cpu)
    if rcu_pending(m, row):
        mark_softirq(m, cpu, vocab.RCU)


@compiled
def rcu_pending(m, row):
    """Whether there is something for rcu_core."""
    background = m[G_BLOCK]
    if m[background + BG_GP_ON]:
        if m[row + BP_SEEN] != m[background + BG_GP] or m[row + BP_OWES] and m[row + BP_PASSED]:
            return True
    elif m[row + BP_NEXT] or m[row + BP_WAIT]:
        return True
    return m[row + BP_DONE] != 0


@compiled
def force_quiescent_states(m):
    """Idle CPUs are no reason to wait, once a grace period has lasted a while (jiffies_till_first_fqs)."""
    background, wait = m[G_BLOCK], 1 + (m[G_HZ_NS] < 4_000_000) + (m[G_HZ_NS] < 2_000_000)
    if not m[background + BG_GP_ON] or jiffies(m) < m[background + BG_GP_SINCE] + wait:
        return
    cpu = m[G_CPUS]
    for _ in range(m[G_CPU_COUNT]):
        row = row_of(m, cpu)
        if m[row + BP_OWES] and (is_idle(m, cpu) or not m[cpu + C_ONLINE]):
            report(m, row)
        cpu += CPU_SIZE


@compiled
def is_idle(m, cpu):
    """Whether it is idle with no interrupt on top, in which RCU watches (rcu_watching_snap_in_eqs); its tick does not count."""
    kind = m[m[cpu + C_FRAME] + F_KIND]
    if kind == IN_HARDIRQ:
        kind = m[m[cpu + C_FRAME] - FRAME_SIZE + F_KIND]
    return m[cpu + C_CURRENT] == m[cpu + C_IDLE] and kind == IN_TASK


@compiled
def report(m, row):
    """rcu_report_qs_rdp: this CPU need not be waited for; after the last one the grace period is over."""
    background = m[G_BLOCK]
    m[row + BP_OWES] = 0
    m[background + BG_OWING] -= 1
    if m[background + BG_OWING] == 0:
        m[background + BG_GP_ON] = 0


@compiled
def rcu_core(m, cpu, frame):
    """R1: callbacks to invoke in this batch."""
    background, row = m[G_BLOCK], row_of(m, cpu)
    m[frame + F_LEFT] = cost(m, m[background + BG_RCU_COST])
    if m[background + BG_GP_ON] and m[row + BP_SEEN] != m[background + BG_GP]:
        notice(m, cpu, row)
    elif m[row + BP_OWES] and m[row + BP_PASSED]:
        report(m, row)
    if m[row + BP_WAIT] and (m[row + BP_WAIT_GP] < m[background + BG_GP] or not m[background + BG_GP_ON]):
        m[row + BP_DONE] += m[row + BP_WAIT]
        m[row + BP_WAIT] = 0
    if m[row + BP_NEXT] and not m[background + BG_GP_ON]:
        start_grace_period(m, cpu, row)
    m[frame + F_R1] = min(m[row + BP_DONE], max(BLIMIT, m[row + BP_DONE] >> DIVISOR))


@compiled
def notice(m, cpu, row):
    """note_gp_changes: what came before this does not count."""
    m[row + BP_SEEN] = m[m[G_BLOCK] + BG_GP]
    m[row + BP_PASSED] = 0
    m[row + BP_SWITCHES] = m[cpu + C_SWITCHES]


@compiled
def start_grace_period(m, cpu, row):
    """For the callbacks that this CPU has; it waits for all CPUs that are online."""
    background = m[G_BLOCK]
    m[background + BG_GP] += 1
    m[background + BG_GP_ON] = 1
    m[background + BG_GP_SINCE] = jiffies(m)
    start_stall_check(m, background)
    m[row + BP_WAIT] = m[row + BP_NEXT]
    m[row + BP_WAIT_GP] = m[background + BG_GP]
    m[row + BP_NEXT] = 0
    m[background + BG_OWING] = 0
    other = m[G_CPUS]
    for _ in range(m[G_CPU_COUNT]):
        if m[other + C_ONLINE]:
            m[row_of(m, other) + BP_OWES] = 1
            m[background + BG_OWING] += 1
        other += CPU_SIZE
    notice(m, cpu, row)


@compiled
def next_callback(m, cpu, frame, done):
    """rcu_do_batch: one callback an instruction; what is left has a run of its own."""
    row = row_of(m, cpu)
    if m[frame + F_R1] == 0:
        if m[row + BP_DONE]:
            raise_softirq(m, cpu, vocab.RCU)
        m[frame + F_PC] = done
        return
    m[frame + F_PC] -= STRIDE
    m[frame + F_R1] -= 1
    m[row + BP_DONE] -= 1
    m[row + BP_INVOKED] += 1
    m[frame + F_LEFT] = cost(m, m[m[G_BLOCK] + BG_CALLBACK_COST])


@compiled
def rcutree_migrate_callbacks(m, cpu, dead):
    """Callbacks of a CPU that is dead are this one's; those that waited wait anew. It is waited for no longer."""
    if m[G_BLOCK] == 0:
        return
    mine, theirs = row_of(m, cpu), row_of(m, dead)
    if m[theirs + BP_OWES]:
        report(m, theirs)
    m[mine + BP_DONE] += m[theirs + BP_DONE]
    m[mine + BP_NEXT] += m[theirs + BP_WAIT] + m[theirs + BP_NEXT]
    m[theirs + BP_DONE] = m[theirs + BP_WAIT] = m[theirs + BP_NEXT] = 0
    start_tick(m, cpu)
