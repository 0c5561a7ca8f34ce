"""Where the softirqs SCHED and RCU keep what they need: a block of the machine (G_BLOCK, 0 where it has neither), a row a CPU."""

# The machine. BG_*_COST: costs' addresses, 0: that softirq is never raised. BG_GP: the number of the last grace period that began,
# BG_GP_ON whether it goes on, BG_GP_SINCE the jiffy at which it began, BG_OWING how many CPUs it waits for, BG_STALL the
# jiffy from which on it is stalled
(
    BG_BALANCE_COST, BG_RCU_COST, BG_CALLBACK_COST, BG_GP, BG_GP_ON, BG_GP_SINCE, BG_OWING, BG_ROWS, BG_STALL,
    BACKGROUND_SIZE,
) = range(10)  # fmt: skip

# A CPU. BP_INTERVAL: sd->balance_interval, ms. BP_NEXT, BP_WAIT, BP_DONE: callbacks that wait for a grace period to begin, for one
# to end (BP_WAIT_GP), for the softirq. BP_OWES: whether the grace period waits for this CPU; BP_PASSED: it has passed a quiescent
# state since it noticed (BP_SEEN the number of the one it noticed, BP_SWITCHES its context switches then)
(
    BP_NEXT_BALANCE, BP_LAST_BALANCE, BP_INTERVAL, BP_BALANCES, BP_NEXT, BP_WAIT, BP_WAIT_GP, BP_DONE, BP_OWES, BP_PASSED, BP_SEEN,
    BP_SWITCHES, BP_QUEUED, BP_INVOKED, BACKGROUND_ROW,
) = range(15)  # fmt: skip
