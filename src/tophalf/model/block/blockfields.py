"""Where block devices keep what they need: a block for each CPU (C_BLOCK), disks, hardware queues, requests and jobs."""

from tophalf.model.fields import TIMER_SIZE

# A CPU (C_BLOCK; 0 where the machine has no disk): blk_cpu_done, blk_cpu_csd, which last-level cache it has, blk_cpu_iopoll
BC_DONE, BC_DONE_TAIL, BC_CSD, BC_CACHE, BC_IOPOLL, BC_IOPOLL_TAIL, BLOCK_CPU_SIZE = range(7)

# An irq_poll
IOP_NEXT, IOP_SCHED, IOP_WEIGHT, IOP_POLL, IOP_SIZE = range(5)

# A disk. B_MAP, B_POLL_MAP: hardware queue by CPU number, for what interrupts and for what is polled; B_FREE: channels that have
# nothing to do; B_WAITING: requests that wait for one; B_FINISHED_*: where requests were finished
(
    B_NAME, B_HW_QUEUES, B_RQ_AFFINITY, B_MAP, B_POLL_MAP, B_FREE, B_WAITING, B_WAITING_TAIL, B_SERVICE, B_CQE_COST,
    B_COMPLETE_COST, B_SUBMITTED, B_COMPLETED, B_HISTOGRAM, B_LATENCY_SUM, B_LATENCY_MAX, B_IN_PLACE, B_BY_SOFTIRQ, B_BY_IPI,
    DISK_SIZE,
) = range(20)  # fmt: skip

# A hardware queue: what has completed and nobody has seen yet, whether its interrupt was sent since it was last empty
HC_DISK, HC_DESC, HC_DONE, HC_DONE_TAIL, HC_SENT, HC_NR_CTX, HCTX_SIZE = range(7)

# A request; its timer, at its beginning, is the end of its service. R_CPU: who submitted it (mq_ctx)
R_NEXT, R_HCTX, R_CPU, R_JOB, R_START, REQUEST_SIZE = range(TIMER_SIZE, TIMER_SIZE + 6)

# Someone who reads: the requests that it can still submit, when it does so (0: as soon as it can), whether it sleeps for one
J_TASK, J_DISK, J_FREE, J_SOURCE, J_WAITING, J_POLLS, JOB_SIZE = range(7)
