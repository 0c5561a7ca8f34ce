"""Trace laws: what the kernel guarantees, held against an event table, wherever the table came from.

    ground.py      where a trace can be judged; contexts, threads, PREEMPT_RT
    hardirq.py, softirq.py, passes.py, tasklets.py, napi.py, works.py, threads.py      the laws, a family a file
    pairs.py, exclusion.py and *_kernels.py      the walks: stacks of entries, passes, one thing in two places, queueing
"""

from tophalf.judge.laws import hardirq, napi, passes, softirq, tasklets, threads, works
from tophalf.judge.laws.ground import Ground

FAMILIES = (hardirq, softirq, passes, tasklets, napi, works, threads)
LAWS = tuple(law for family in FAMILIES for law in family.LAWS)


def judge(table, preempt_rt=None):
    """Hold a trace against every law.

    Args: table: EventTable. preempt_rt: whether that kernel is PREEMPT_RT; None: told from the trace, and where it does
    not show, only what holds for both is judged.
    Returns: list of law.Verdict, one a law, in the order of LAWS.
    """
    ground = Ground(table, preempt_rt)
    found = softirq.find_pairs(ground)
    verdicts = [
        *hardirq.judge(ground, found), *softirq.judge(ground, found), *passes.judge(ground), *tasklets.judge(ground, found),
        *napi.judge(ground, found), *works.judge(ground, found), *threads.judge(ground),
    ]  # fmt: skip
    by_name = {verdict.law.name: verdict for verdict in verdicts}
    return [by_name[law.name] for law in LAWS]
