"""What a program can say about the network stack above NAPI; see `ops`."""

from tophalf.model.ops import STACK_FROM

(
    OP_STACK_RX, OP_GRO_COMPLETE, OP_GRO_FLUSH, OP_STEER, OP_RECEIVE, OP_PROCESS_BACKLOG, OP_RPS_TRIGGER, OP_RECV,
) = range(STACK_FROM, STACK_FROM + 8)  # fmt: skip
STACK_END = STACK_FROM + 16  # those from here on are `napi`'s
