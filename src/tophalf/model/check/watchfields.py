"""What watches over drivers while they run: where its counts lie, its instructions, and what it complains of.

The lockup detectors of each CPU and khungtaskd (`watchdog`), lines whose cause stays, handlers that take too long or claim what is
not theirs (`watchlines`), tasklets and works that queue themselves for ever (`watchruns`).
"""

from tophalf.model.check.checkkinds import WATCHES_FROM
from tophalf.model.fields import TIMER_SIZE

CODE_WATCH_FROM = 344
# WATCHDOG, WATCHED: the hrtimer of the lockup detectors, its work for migration/N; x: the CPU's row. HANDLER, HANDLED: around a
# handler; x: its row, HANDLER's y the program. RUN: a tasklet or work begins; x: its row, y: its program. AGAIN: what is queued by
# the next instruction is the tasklet or work of row x.
(
    CODE_WATCHDOG, CODE_WATCHED, CODE_HANDLER, CODE_HANDLED, CODE_RUN, CODE_AGAIN, CODE_WATCH_END,
) = range(CODE_WATCH_FROM, CODE_WATCH_FROM + 7)  # fmt: skip

# The world's watch: the next NMI of the hard lockup detector, the next look of khungtaskd (events); rows of CPUs and of tasks
WT_NMI, WT_HUNG, WT_ROWS, WT_TASKS = 0, TIMER_SIZE, 2 * TIMER_SIZE, 2 * TIMER_SIZE + 1
WATCH_SIZE = 2 * TIMER_SIZE + 2
# A CPU. WD_STOPPER: its migration/N, whose timer is the hrtimer; WD_TOUCH: when that last ran, WD_PERIOD: or something was said, in
# units of get_timestamp; WD_INTERRUPTS: how often the hrtimer has run, WD_SAVED: had at the last NMI; WD_WARNED: that
# found a hard lockup
WD_STOPPER, WD_TOUCH, WD_PERIOD, WD_INTERRUPTS, WD_SAVED, WD_WARNED, WATCHDOG_ROW = range(7)
# A task: how often it had been switched out when khungtaskd last saw that change, and when that was
HU_SWITCHES, HU_TIME, HUNG_ROW = range(3)

# A handler of a line. HW_DEVICE: the device it is for, 0: none; HW_IRQ: the number that it is called with. As it was when the
# handler began: HW_BEGAN, whether the device wanted attention, how often it had been let go of, whether it is another's interrupt.
# HW_LEFT_AT: how often it had been let go of when the handler was done. HW_LONGEST: ns. HW_HELD: answers in a row to one assertion,
# while nothing was taken out; HW_HELD_OF: which; HW_NONE: how often it said IRQ_NONE for its own device, HW_NONE_PC: where last;
# HW_DONE: progress at the device when the handler began; HW_SEEN: how often a read had told of something
(
    HW_DEVICE, HW_REGISTERS, HW_LINE, HW_IRQ, HW_BEGAN, HW_WANTED, HW_LET_GO, HW_NOT_ITS, HW_LEFT_AT, HW_LONGEST, HW_HELD,
    HW_HELD_OF, HW_NONE, HW_NONE_PC, HW_DONE, HW_SEEN, HANDLER_ROW,
) = range(17)  # fmt: skip
# A tasklet or work. RW_REGISTERS: of its device, 0 for none. RW_STREAK: runs in a row that came each from the one before, without
# progress, RW_SINCE: when the first of them began, RW_DONE: progress at the device when the last began. The same of the run that
# has queued it since, to go on from: RW_NEXT, one more or 0 for none, RW_NEXT_SINCE, RW_NEXT_DONE; RW_PC: the instruction that did
(
    RW_REGISTERS, RW_STREAK, RW_SINCE, RW_DONE, RW_NEXT, RW_NEXT_SINCE, RW_NEXT_DONE, RW_PC, RUN_ROW,
) = range(9)  # fmt: skip

# What is complained of; `about`, `other` of a complaint
(
    HARD_LOCKUP, SOFT_LOCKUP, RCU_STALL, RCU_STALL_ELSEWHERE, HUNG_TASK, TOO_LONG, LEVEL_HELD, CLAIMS_OTHERS, NOBODY_CARED,
    FOR_EVER,
) = range(WATCHES_FROM, WATCHES_FROM + 10)  # fmt: skip
