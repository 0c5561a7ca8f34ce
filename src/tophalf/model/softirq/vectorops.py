"""What the routines of the softirqs IRQ_POLL, RCU and SCHED, and NMIs, say: the numbers from ops.VECTOR_FROM on."""

from tophalf.model.ops import VECTOR_FROM

(
    OP_IRQ_POLL_SCHED, OP_IRQ_POLL_BEGIN, OP_IRQ_POLL_NEXT, OP_IRQ_POLL_DONE, OP_IRQ_POLL_COMPLETE, OP_LOAD_BALANCE, OP_CALL_RCU,
    OP_RCU_CORE, OP_RCU_CALLBACK, OP_NMI_END,
) = range(VECTOR_FROM, VECTOR_FROM + 10)  # fmt: skip
IRQ_POLL_END = VECTOR_FROM + 5
VECTOR_END = VECTOR_FROM + 9  # what follows: `nmi`
