"""What a program can say about NAPI outside of softirqs, and about a driver's rings: the numbers from ops.DRIVER_FROM on."""

from tophalf.model.ops import DRIVER_FROM

(
    OP_NAPI_THREAD, OP_BUSY_POLL, OP_BUSY_RX, OP_BUSY_FLUSH, OP_BUSY_COMPLETE, OP_READER_HAS, OP_READER_TAKE,
    OP_DRIVER_EVENT, OP_DRIVER_COMPLETE, OP_DIM_APPLY, OP_TX_CLEAN, OP_TX_FREE, OP_TX_WATCH, OP_NET_TX,
) = range(DRIVER_FROM, DRIVER_FROM + 14)  # fmt: skip

# Steps of the two routines in `pollcode`: operand x of OP_NAPI_THREAD and of OP_BUSY_POLL; y: where to go on
THREAD_WAIT, THREAD_POLL, THREAD_POLLED = range(3)
(
    BUSY_START, BUSY_ENTER, BUSY_TRY, BUSY_POLLED, BUSY_NORMAL_LIST, BUSY_ENDS, BUSY_YIELDS, BUSY_RELAX, BUSY_LET_GO, BUSY_STOP,
    BUSY_STOPPED, BUSY_FLUSH, BUSY_HAND_OVER, BUSY_LEAVE,
) = range(14)  # fmt: skip
