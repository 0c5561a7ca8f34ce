"""What programs can say about block devices: the numbers from ops.BLOCK_FROM on."""

from tophalf.model.ops import BLOCK_FROM

(
    OP_BLK_ROOM, OP_BLK_WAIT, OP_BLK_PACE, OP_BLK_SUBMIT, OP_BLK_POLL, OP_BLK_SPIN, OP_BLK_CQE, OP_BLK_HANDLE, OP_BLK_DOORBELL,
    OP_BLK_BATCH, OP_BLK_END, OP_BLK_TAKE_DONE, OP_BLK_RAISE,
) = range(BLOCK_FROM, BLOCK_FROM + 13)  # fmt: skip
BLOCK_END = BLOCK_FROM + 13
