"""What drivers that people write can say of timers: the numbers from ops.CODE_TIMER_FROM on, up to those of registering.

JIFFIES: x = jiffies. TIMER_SETUP: the timer x runs the program y; z: its H_DO. MOD_TIMER: x = whether the timer y was pending,
which now expires at the jiffy in local z. HRTIMER_START: the timer x at, or with HRTIMER_MODE_REL in local z in, local y ns.
HRTIMER_FORWARD: x = by how many periods of local z ns the timer y was moved. HRTIMER_CANCEL: x, the timer; the answer is in R0.
HRTIMER_RUNS, HRTIMER_DONE: the function of the timer x begins, has answered R0.
"""

from tophalf.model.ops import CODE_TIMER_FROM

(
    CODE_JIFFIES, CODE_TIMER_SETUP, CODE_MOD_TIMER, CODE_HRTIMER_START, CODE_HRTIMER_FORWARD, CODE_HRTIMER_CANCEL,
    CODE_HRTIMER_RUNS, CODE_HRTIMER_DONE,
) = range(CODE_TIMER_FROM, CODE_TIMER_FROM + 8)  # fmt: skip
TIMING_END = CODE_TIMER_FROM + 8
