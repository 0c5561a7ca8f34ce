"""Kinds of what is found wrong while drivers run, by number. Their words are in `reports`, a file a range.

Below CHECKS_FROM: what ends the run (`crash`), numbered as the run's errors are.
"""

CHECKS_FROM = 32  # locks and contexts: `checks`
WATCHES_FROM = 64  # what takes too long or never ends
DEVICES_FROM = 88  # NAPI: `devicewords`
FACTS_FROM = 96  # no complaints by themselves: how locks are used, judged after the run

(
    RECURSIVE, WAITS_FOR_ITSELF, NOT_HELD, IRQS_ON_CALLER, IRQS_ON_HARDIRQ, RESTORE_WITH_IRQS_ON, BH_IRQS, BH, PREEMPT, HELD_AT_END,
    IRQS_AT_END, PREEMPT_AT_END, ANSWER, NO_THREAD, RECLAIM, TOO_DEEP, TIMER_SYNC, FREED,
) = range(CHECKS_FROM, CHECKS_FROM + 18)  # fmt: skip
FACT_USAGE, FACT_EDGE = FACTS_FROM, FACTS_FROM + 1
