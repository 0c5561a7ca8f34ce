"""What drivers say to wait: the numbers from ops.CODE_WAIT_FROM on.

PREPARE_TO_WAIT: x, a wait queue, to sleep in state y; R0: what ends an interruptible wait, else 0. WAIT: sleep in state x unless
woken since. FINISH_WAIT. WAKE_UP: x, a wait queue. COMPLETE, WAIT_FOR_COMPLETION: x, a completion. READ_LOCK and on: x, a
read-write lock. SHOULD_STOP: local x = whether it should. KTHREAD_STOP: x, where a kthread's address is; KTHREAD_STOPPED: wait
for its end, R0: what it returned. KTHREAD_BEGIN: to x if it is to stop before it began; KTHREAD_EXIT. YIELD: schedule().
"""

from tophalf.model.ops import CODE_DEVICE_FROM, CODE_WAIT_FROM

(
    CODE_PREPARE_TO_WAIT, CODE_WAIT, CODE_FINISH_WAIT, CODE_WAKE_UP, CODE_COMPLETE, CODE_WAIT_FOR_COMPLETION, CODE_READ_LOCK,
    CODE_READ_UNLOCK, CODE_WRITE_LOCK, CODE_WRITE_UNLOCK, CODE_SHOULD_STOP, CODE_KTHREAD_STOP, CODE_KTHREAD_STOPPED,
    CODE_KTHREAD_BEGIN, CODE_KTHREAD_EXIT, CODE_YIELD,
) = range(CODE_WAIT_FROM, CODE_WAIT_FROM + 16)  # fmt: skip
WAIT_END = CODE_WAIT_FROM + 16
# QUEUE_WORK_ON: x, a work, on workqueue y on the CPU of local z; the delayed ones in so many jiffies as local z says; R0: what the
# kernel answers. TASKLET_UNLOCK_WAIT: until tasklet x does not run.
CODE_QUEUE_WORK_ON, CODE_QUEUE_DELAYED, CODE_MOD_DELAYED, CODE_TASKLET_UNLOCK_WAIT = range(WAIT_END, WAIT_END + 4)
DEFERRAL_END = WAIT_END + 4
# Of tasks that enter a driver: CALL_NEXT: sleep until source x says so; CALL_BEGIN, CALL_END: count in x a call that began at the
# moment in y.
CODE_CALL_NEXT, CODE_CALL_BEGIN, CODE_CALL_END = range(DEFERRAL_END, DEFERRAL_END + 3)
CODE_WAIT_END = DEFERRAL_END + 3
assert CODE_WAIT_END <= CODE_DEVICE_FROM
