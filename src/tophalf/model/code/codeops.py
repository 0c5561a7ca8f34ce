"""What drivers that people write can say beside the rest: the numbers from ops.CODE_FROM on.

Locals are numbered from 0. An arithmetic instruction is x = y op z; x and y are locals, z another one, or with CODE_CONSTANT added
to the opcode a number.
"""

from tophalf.model.ops import CODE_FROM, CODE_WAIT_FROM

(
    CODE_ADD, CODE_SUB, CODE_MUL, CODE_DIV, CODE_MOD, CODE_AND, CODE_OR, CODE_XOR, CODE_SHL, CODE_SHR,
    CODE_EQ, CODE_NE, CODE_LT, CODE_LE, CODE_GT, CODE_GE,
) = range(CODE_FROM, CODE_FROM + 16)  # fmt: skip
CODE_CONSTANT = 16
ARITHMETIC_END = CODE_FROM + 32
# SET: x = number y; COPY: x = y; LOAD: x = word at address y; STORE: word at x = y. ZERO, NONZERO: jump to y if x is (not) 0.
# CALL: the program at x with the z locals from y on; RESULT: x = what it returned; RETURN: x. ARGUMENT: x = the frame's argument.
# FETCH_ADD: x = word at y, which then grows by z; with PERCPU the word at y + the CPU's number.
(
    CODE_SET, CODE_COPY, CODE_LOAD, CODE_STORE, CODE_ZERO, CODE_NONZERO, CODE_CALL, CODE_RESULT, CODE_RETURN, CODE_ARGUMENT,
    CODE_FETCH_ADD, CODE_FETCH_ADD_PERCPU,
) = range(ARITHMETIC_END, ARITHMETIC_END + 12)  # fmt: skip
PLAIN_END = ARITHMETIC_END + 12
# SPEND, SLEEP: local x times y ns; SLEEP_JIFFIES: until local x jiffies from now are over, and AWAKE after it. MIGHT_SLEEP: the run
# ends where the context may not; x: 1 + the number of what may sleep's name. CPU_NUMBER, CLOCK: x = it. FAIL: the run ends with
# error x.
# IRQS_SAVE: x = whether interrupts were off, they are now; IRQS_RESTORE: as local x says.
# READ_REG: x = register number local z of the registers at y; WRITE_REG: register number local y of x = local z. The number's local
# may be negative: then it is number -1 less that, known before the run.
# SPIN_LOCK, SPIN_UNLOCK, MUTEX_LOCK, MUTEX_UNLOCK: x, a lock.
(
    CODE_SPEND, CODE_SLEEP, CODE_SLEEP_JIFFIES, CODE_CPU_NUMBER, CODE_CLOCK, CODE_FAIL, CODE_IRQS_SAVE, CODE_IRQS_RESTORE,
    CODE_READ_REG, CODE_WRITE_REG, CODE_SPIN_LOCK, CODE_SPIN_UNLOCK, CODE_MUTEX_LOCK, CODE_MUTEX_UNLOCK,
    CODE_AWAKE, CODE_MIGHT_SLEEP,
) = range(PLAIN_END, PLAIN_END + 16)  # fmt: skip
CODE_END = PLAIN_END + 16
assert CODE_END <= CODE_WAIT_FROM
