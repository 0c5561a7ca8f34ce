"""What is checked while drivers run: the numbers from ops.CODE_CHECK_FROM on."""

from tophalf.model.ops import CODE_CHECK_FROM

# ACQUIRE: map x as y says (H_*), before the lock is taken; RELEASE: map x, before it is let go of. WAIT: for what map x stands for.
# FLUSH: is about to wait for work x, or for workqueue y.
# IRQS_ON: interrupts are about to be turned on; IRQS_RESTORE: as local x says. BH_ON, PREEMPT_ON: the next instruction does that,
# and is left out where there is nothing to enable. BH: bottom halves are about to be enabled, after an unlock.
# TIMER: is about to wait for a timer.
# ENTER: the kernel has called a function; local x keeps what it was entered with, y: map of what waits for it or 0; z: its role.
# STEP: step y of a driver is about to be done, x: the world's awkward moment (`awkward`).
# USE: a call, named by string y, is about line z, which has been given back where the word at x is not 0.
# LEAVE: it is about to return: x, z as for ENTER; y: 1 + the local with its answer, 0 for none that could be wrong.
# ANSWER: that alone, where nothing else can be left otherwise than it was entered.
(
    CHECK_ACQUIRE, CHECK_RELEASE, CHECK_WAIT, CHECK_FLUSH, CHECK_IRQS_ON, CHECK_IRQS_RESTORE, CHECK_BH_ON, CHECK_BH,
    CHECK_PREEMPT_ON, CHECK_ENTER, CHECK_LEAVE, CHECK_TIMER, CHECK_STEP, CHECK_ANSWER, CHECK_USE,
) = range(CODE_CHECK_FROM, CODE_CHECK_FROM + 15)  # fmt: skip
CHECK_END = CODE_CHECK_FROM + 15
