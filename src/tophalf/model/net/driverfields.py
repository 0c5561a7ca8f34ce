"""What lies where in the blocks that NAPI outside of softirqs and drivers keep for themselves, beside `fields`."""

# A reader that busy polls (a socket with SO_BUSY_POLL). B_NAPI: the instance, 0 until a packet has come; B_DATA: where a word says
# what has come, of which B_TAKEN was read; B_MORE: another that is not 0 when there is more; B_LOST: rounds in which another owned
# the instance
(
    B_NAPI, B_BUDGET, B_USECS, B_PREFER, B_DATA, B_TAKEN, B_MORE, B_LOOP, B_LOOP_COST, B_POLLS, B_PACKETS, B_LOST, READER_SIZE,
) = range(13)  # fmt: skip

# At N_DIM: adaptive moderation of a queue. A_KIND: which algorithm; A_EVENTS: interrupts; A_BYTES: of a packet. Of DIM: struct
# dim, its states, the last measurement (packets, bytes, events a millisecond), the sample it began with; A_WORK, A_WQ: the item
# that applies a profile, and where to; A_PROFILES: address of the profiles, each usecs and packets; A_APPLIED: how often. Of
# e1000e: A_STATE is rx_itr, A_TUNE itr, A_PROFILE itr_setting, A_START_PACKETS what had come when the interrupt came
(
    A_KIND, A_QUEUE, A_EVENTS, A_BYTES, A_STATE, A_TUNE, A_PROFILE, A_STEPS_LEFT, A_STEPS_RIGHT, A_TIRED, A_PPMS, A_BPMS, A_EPMS,
    A_START_NS, A_START_PACKETS, A_START_BYTES, A_START_EVENTS, A_WORK, A_WQ, A_PROFILES, A_APPLIED, MODERATION_SIZE,
) = range(22)  # fmt: skip
BY_DIM, BY_E1000E = 1, 2

# At N_TX: a send queue that shares its line and NAPI with a receive queue. TX_SOURCE: the times at which others send (as a receive
# queue's arrivals), 0 for none; TX_SHARE: of received packets, in thousandths, that are sent on; TX_REST: what is left of one;
# TX_PENDING: with the device, which is done with the next at TX_NEXT_NS; TX_DONE of them; TX_SLOTS: when it was done with each of
# the last TX_RING; TX_STOPPED: found the ring full; TX_FREE: cleaned in an interrupt, for NET_TX to free
(
    TX_TIMER, _, _, _, _, TX_QUEUE, TX_SOURCE, TX_SHARE, TX_REST, TX_WIRE_NS, TX_RING, TX_PENDING, TX_NEXT_NS, TX_DONE, TX_CLEANED,
    TX_SLOTS, TX_USECS_NS, TX_FRAMES, TX_COST, TX_LIMIT, TX_IS_INCOMPLETE, TX_STOPPED, TX_FREE, TX_FREE_COST, TX_SIZE,
) = range(25)  # fmt: skip
