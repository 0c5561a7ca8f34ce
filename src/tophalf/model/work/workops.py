"""What a program can say about work items and workqueues: the numbers from ops.WORK_FROM on.

Users: x is a work item, y its workqueue; answers are in R0 of the frame, as the kernel's functions return them. The rest is the
kernel's own (`microcode`).
"""

from tophalf.model.ops import WORK_FROM

(
    OP_QUEUE_WORK, OP_QUEUE_DELAYED_WORK, OP_MOD_DELAYED_WORK, OP_FLUSH_WORK, OP_FLUSH_WORKQUEUE, OP_DRAIN_BEGIN, OP_DRAIN_CHECK,
    OP_CANCEL_WORK, OP_CANCEL_WORK_SYNC, OP_ENABLE_WORK, OP_SUSPEND, OP_WAIT_ARRIVAL, OP_BARRIER, OP_WORKER_BEGIN,
    OP_WORKER_CREATED, OP_WORK_END, OP_WORK_DONE, OP_BH_WORKER, OP_RESCUER, OP_IRQ_WORK,
) = range(WORK_FROM, WORK_FROM + 20)  # fmt: skip
# OP_QUEUE_WORK: z is the CPU's number + 1, 0 for WORK_CPU_UNBOUND. OP_QUEUE_DELAYED_WORK, OP_MOD_DELAYED_WORK: z is that plus
# the delay in jiffies times DELAY_UNIT
DELAY_UNIT = 1 << 14
# OP_CANCEL_WORK, OP_CANCEL_WORK_SYNC: y; OP_FLUSH_WORK: y is DELAYED for flush_delayed_work
DELAYED, DISABLE = 1, 2
# OP_BH_WORKER, OP_RESCUER: y
BH_BEGIN, BH_DONE = 0, 1
RESCUER_NEXT, RESCUER_MOVE, RESCUER_BEGIN, RESCUER_DONE = range(4)
# OP_SUSPEND: x; R0 of FREEZE_BUSY: whether an item of a freezable workqueue still runs
FREEZE_BEGIN, FREEZE_BUSY, THAW, SUSPEND_IRQS, RESUME_IRQS = range(5)
