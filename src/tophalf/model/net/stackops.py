"""What a program can say about the network stack above NAPI; see `ops`."""

from tophalf.model.ops import STACK_FROM

(
    OP_STACK_RX, OP_GRO_COMPLETE, OP_GRO_FLUSH, OP_STEER, OP_RECEIVE, OP_PROCESS_BACKLOG, OP_RPS_TRIGGER, OP_RECV_TAKE,
    OP_RECV_COPY, OP_RECV_COPIED,
) = range(STACK_FROM, STACK_FROM + 10)  # fmt: skip
STACK_END = STACK_FROM + 16  # those from here on are `napi`'s
