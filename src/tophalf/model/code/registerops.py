"""What drivers that people write can say of what they register while they run: the numbers after those of timers.

REQUEST_IRQ: x = 0 or -errno of asking for the line y with the action z. FREE_IRQ: x = the action of the device z on the line y,
which is off the line now; 0 for none. STOP_IRQ_THREAD: that of the action in local x has ended; y: 1 for its second one.
SET_AFFINITY: the CPUs whose bits are set in local x, for the line y; x = 0 or -errno; z: a mask to write them to. AFFINITY_HINT:
the same, as its hint, 0 for none. KTHREAD_START: the task x runs the program y.
"""

from tophalf.model.code.timingops import TIMING_END
from tophalf.model.ops import CODE_CHECK_FROM

(
    CODE_REQUEST_IRQ, CODE_FREE_IRQ, CODE_STOP_IRQ_THREAD, CODE_SET_AFFINITY, CODE_AFFINITY_HINT, CODE_KTHREAD_START,
) = range(TIMING_END, TIMING_END + 6)  # fmt: skip
REGISTER_END = TIMING_END + 6
assert REGISTER_END <= CODE_CHECK_FROM
