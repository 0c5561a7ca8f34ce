"""Laws of tasks that interrupts have to do with: where per-CPU threads run, where a switch may happen."""

import numpy as np

from tophalf.judge.laws.law import Law, verdict
from tophalf.judge.laws.verdicts import flag_verdict
from tophalf.vocab import SCHED_SWITCH

PER_CPU = Law(
    name="percpu-thread",
    statement="A thread of one CPU (ksoftirqd/N, ktimers/N, rcuc/N, migration/N) that has run there runs nowhere else",
    source="kernel/kthread.c kthread_create_on_cpu()",
)
SWITCH = Law(
    name="switch-context",
    statement="No task is switched out in a hardirq, nor, but on PREEMPT_RT, in a softirq",
    source="kernel/sched/core.c schedule_debug()",
)

LAWS = (PER_CPU, SWITCH)
_NAMES = ("ksoftirqd", "ktimers", "ktimersd", "rcuc", "migration")


def judge(ground):
    """Verdicts of LAWS."""
    not_rt = ground.preempt_rt is False
    switches = ground.is_kind(SCHED_SWITCH)
    wrong = ground.in_hardirq | ground.in_softirq & not_rt
    return [_judge_threads(ground), flag_verdict(SWITCH, ground, switches, wrong, "a task was switched out in interrupt context")]


def _judge_threads(ground):
    """A thread is made on another CPU and bound before it first runs its function, so its first run at home counts.

    Each CPU's clock orders its own events only: unless the clock is common, a thread seen on two CPUs proves nothing.
    """
    table = ground.table
    threads = ground.threads_of_cpus(*_NAMES) if ground.common_clock else []
    home_of = {pid: cpu for cpu, pid in threads}
    pids = np.array(sorted(home_of), np.int64)
    homes = np.array([home_of[pid] for pid in pids.tolist()], np.int64)
    rows = np.flatnonzero(np.isin(table.pid, pids))
    at = np.searchsorted(pids, table.pid[rows])
    at_home = table.cpu[rows] == homes[at] if len(pids) else np.zeros(len(rows), bool)
    first_home = np.full(len(pids), ground.row_count)
    np.minimum.at(first_home, at[at_home], rows[at_home])
    judged = rows > first_home[at] if len(pids) else at_home
    wrong, where = rows[judged & ~at_home], at[judged & ~at_home]

    def describe(position):
        name, pid = table.tasks.get(int(pids[where[position]]), "thread"), int(pids[where[position]])
        return f"{name} (pid {pid}) ran on CPU {int(table.cpu[wrong[position]])}, its CPU is {int(homes[where[position]])}"

    return verdict(PER_CPU, table, np.count_nonzero(judged), wrong, describe)
