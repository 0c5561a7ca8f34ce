"""What programs can say about timers: the numbers after those of block devices."""

from tophalf.model.block.blockops import BLOCK_END

(
    OP_MOD_TIMER, OP_TIMER_DELETE, OP_TIMER_DELETE_SYNC, OP_HRTIMER_START, OP_HRTIMER_FORWARD, OP_TIMER_RUNS,
) = range(BLOCK_END, BLOCK_END + 6)  # fmt: skip
TIMER_END = BLOCK_END + 6
