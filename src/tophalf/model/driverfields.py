"""What lies where in the blocks that NAPI outside of softirqs and drivers keep for themselves, beside `fields`."""

# A reader that busy polls (a socket with SO_BUSY_POLL). B_NAPI: the instance, 0 until a packet has come; B_DATA: where a word says
# what has come, of which B_TAKEN was read; B_MORE: another that is not 0 when there is more; B_LOST: rounds in which another owned
# the instance
(
    B_NAPI, B_BUDGET, B_USECS, B_PREFER, B_DATA, B_TAKEN, B_MORE, B_LOOP, B_LOOP_COST, B_POLLS, B_PACKETS, B_LOST, READER_SIZE,
) = range(13)  # fmt: skip
