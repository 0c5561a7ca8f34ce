"""What lies where in the blocks that NAPI outside of softirqs and drivers keep for themselves, beside `fields`."""

# A reader that busy polls an instance (a socket with SO_BUSY_POLL); B_LOST: rounds in which another owned the instance
(
    B_NAPI, B_POLL, B_BUDGET, B_USECS, B_PREFER, B_DATA, B_TAKEN, B_LOOP_COST, B_POLLS, B_PACKETS, B_LOST, READER_SIZE,
) = range(12)  # fmt: skip
